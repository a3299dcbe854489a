"""The section `seeds`: which sources of randomness are held, whatever the seed of the run is."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import Section

Source = Literal["init", "order", "augment", "split"]
Seed = Annotated[int, Field(ge=0, le=2**31)]


class SeedsConfig(Section):
    """Seeds of the sources of randomness; one that has its own is held while `seed` changes."""

    init: Seed | None = Field(
        None, description="of the first weights; nothing: the seed of the run", examples=[1]
    )
    order: Seed | None = Field(
        None, description="of the order of the training images; nothing: the seed of the run", examples=[1]
    )
    augment: Seed | None = Field(
        None,
        description=(
            "of what is drawn within a step: augmentation, mixup and CutMix, and the network's own dropout "
            "and stochastic depth; nothing: the seed of the run"
        ),
        examples=[1],
    )
    split: Annotated[int, Field(ge=0)] = Field(
        0,
        description="of the splits that the dataset does not have, whatever the seed of the run is",
        examples=[1],
    )
