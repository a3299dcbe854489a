"""The section `model`: which network, with which connection, from which weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.fields import (
    ConnectionName,
    Count,
    ModelName,
    Names,
    NonNegative,
    Role,
    Scalar,
    Section,
    SiteMap,
    Text,
    Width,
)


class SkipSchedule(Section):
    """A strength that every shortcut is multiplied by, changing linearly between two epochs."""

    start: Annotated[float, Field(ge=0, le=10)] = Field(
        1.0, alias="from", description="strength before", examples=[0.0]
    )
    end: Annotated[float, Field(ge=0, le=10)] = Field(
        0.0, alias="to", description="strength afterwards", examples=[1.0]
    )
    epochs: list[NonNegative] = Field(
        min_length=2, max_length=2, description="where the change begins and ends", examples=[[10, 20]]
    )


class ModelConfig(Section):
    """Which network, with which connection, from which weights; None leaves the choice to the family."""

    name: ModelName = Field(
        description="an architecture of `skiprun models`, or `timm:NAME` of timm where that is installed",
        examples=["resnet56"],
    )
    connection: ConnectionName | None = Field(
        None, description="how x meets f(x) at every site (`skiprun connections`)", examples=["highway"]
    )
    connection_options: dict[str, Scalar] | None = Field(
        None, description="options of that connection, such as a bias", examples=[{"bias": -1.0}]
    )
    connections: SiteMap | None = Field(
        None,
        description='other connections at some sites, counted from 0: {"3,5-9": none}',
        examples=[{"3,5-9": "none"}],
    )
    skip_schedule: SkipSchedule | None = Field(
        None,
        description="fade the shortcuts in or out while training",
        examples=[{"from": 1.0, "to": 0.0, "epochs": [10, 20]}],
    )
    depth: Count | None = Field(
        None,
        description="number of weighted layers, for families that take any; of a U-Net: of its skips, 2 to 5",
        examples=[56],
    )
    width: Width | None = Field(
        None,
        description="channels of the first stage; others double them, each rounded: 15.5 gives 16, 31, 62",
        examples=[32],
    )
    shortcut: Literal["A", "A_both", "B", "C"] | None = Field(
        None,
        description="shortcut where shapes change (He 2015): A pads zeros at the end, A_both on both sides, "
        "B projects there, C everywhere",
        examples=["B"],
    )
    stem: Literal["imagenet", "small"] | None = Field(
        None,
        description="first layers: 7x7 stride 2 and pooling, or one 3x3 for small images",
        examples=["small"],
    )
    norm: Literal["batch", "none", "group", "layer"] | None = Field(
        None, description="normalization of the layers", examples=["group"]
    )
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "identity"] | None = Field(
        None, description="nonlinearity of the layers", examples=["gelu"]
    )
    init: Literal["he", "fixup"] | None = Field(
        None,
        description="first weights: He 2015, or Fixup (Zhang 2019), which needs norm: none",
        examples=["fixup"],
    )
    up: Literal["transposed", "bilinear"] | None = Field(
        None, description="how a U-Net doubles the size on its way up", examples=["bilinear"]
    )
    skip_levels: Text | None = Field(
        None,
        description="which long skips a U-Net has, the finest level first: 0111 leaves that one out",
        examples=["0111"],
    )
    deep_supervision: bool | None = Field(
        None, description="give every level of a UNet++ an output that is trained", examples=[True]
    )
    options: dict[str, Scalar] = Field(
        {}, description="what only this family understands", examples=[{"dropout": 0.3}]
    )
    weights: Text | None = Field(
        None,
        description="where training starts: torchvision weights (DEFAULT), a state dict's file, or a run",
        examples=["runs/digits/seed-0"],
    )
    download_weights: Annotated[bool | None, Role.EXECUTION] = Field(
        None, description="may fetch torchvision weights from their official place", examples=[True]
    )
    freeze: Names | None = Field(
        None,
        description=(
            "parts that do not learn: backbone (all but the head), stem, stage1 ..., or module paths, with *"
        ),
        examples=[["stem", "stage1"]],
    )
    feature_extract: bool | None = Field(
        None, description="train a new head on given weights: freeze: backbone", examples=[True]
    )
    backbone_lr: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="factor on the learning rate of all layers but the head", examples=[0.1]
    )
