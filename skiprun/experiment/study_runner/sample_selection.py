"""How much of the data, and which weights, a study looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SampleSelection:
    """How much a study looks at.

    Attributes:
        split: train, val or test; None: test, but val of a run that is not finished.
        images: number to score, chosen by chance with seed 0; None: all.
        batches, batch_size: what is looked at batch by batch, chosen likewise; None: what takes about a
            minute, 0: what is scored.
        weights: of a run: best, last, or those before its first step.
        device: auto, cpu or cuda; None: what the config says.
    """

    split: str | None = None
    images: int | None = None
    batches: int | None = None
    batch_size: int | None = None
    weights: Literal["best", "last", "initial"] = "best"
    device: str | None = None
