"""The section `model`: which network, with which connection, from which weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import Count, Names, NonNegative, Role, Scalar, Section, SiteMap, Text


class SkipSchedule(Section):
    """A strength that every shortcut is multiplied by, changing linearly between two epochs."""

    start: Annotated[float, Field(ge=0, le=10)] = Field(1.0, alias="from", description="strength before")
    end: Annotated[float, Field(ge=0, le=10)] = Field(0.0, alias="to", description="strength afterwards")
    epochs: list[NonNegative] = Field(
        min_length=2, max_length=2, description="where the change begins and ends"
    )


class ModelConfig(Section):
    """Which network, with which connection, from which weights; None leaves the choice to the family."""

    name: str = Field(description="an architecture of `skiprun models`")
    connection: str | None = Field(None, description="how x meets f(x) at every site (`skiprun connections`)")
    connection_options: dict[str, Scalar] | None = Field(
        None, description="options of that connection, such as a bias"
    )
    connections: SiteMap | None = Field(
        None, description='other connections at some sites, counted from 0: {"3,5-9": none}'
    )
    skip_schedule: SkipSchedule | None = Field(
        None, description="fade the shortcuts in or out while training"
    )
    depth: Count | None = Field(
        None,
        description="number of weighted layers, for families that take any; of a U-Net: of its skips, 2 to 5",
    )
    width: Count | None = Field(None, description="channels of the first stage")
    shortcut: Literal["A", "A_both", "B", "C"] | None = Field(
        None,
        description="shortcut where shapes change (He 2015): A pads zeros at the end, A_both on both sides, "
        "B projects there, C everywhere",
    )
    stem: Literal["imagenet", "small"] | None = Field(
        None, description="first layers: 7x7 stride 2 and pooling, or one 3x3 for small images"
    )
    norm: Literal["batch", "none", "group", "layer"] | None = Field(
        None, description="normalization of the layers"
    )
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "identity"] | None = Field(
        None, description="nonlinearity of the layers"
    )
    init: Literal["he", "fixup"] | None = Field(
        None, description="first weights: He 2015, or Fixup (Zhang 2019), which needs norm: none"
    )
    up: Literal["transposed", "bilinear"] | None = Field(
        None, description="how a U-Net doubles the size on its way up"
    )
    skip_levels: Text | None = Field(
        None, description="which long skips a U-Net has, the finest level first: 0111 leaves that one out"
    )
    deep_supervision: bool | None = Field(
        None, description="give every level of a UNet++ an output that is trained"
    )
    options: dict[str, Scalar] = Field(default_factory=dict, description="what only this family understands")
    weights: Text | None = Field(
        None,
        description="where training starts: torchvision weights (DEFAULT), a state dict's file, or a run",
    )
    download_weights: Annotated[bool | None, Role.EXECUTION] = Field(
        None, description="may fetch torchvision weights from their official place"
    )
    freeze: Names | None = Field(
        None,
        description="parts that do not learn: backbone (all but the head), stem, stage1 ..., or module paths, with *",
    )
    feature_extract: bool | None = Field(
        None, description="train a new head on given weights: freeze: backbone"
    )
    backbone_lr: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="factor on the learning rate of all layers but the head"
    )
