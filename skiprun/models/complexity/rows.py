"""Rows of the tables that say what networks are, and what they cost."""

from __future__ import annotations

from typing import TypedDict


class ModelRow(TypedDict):
    """What is said of an architecture; counts are for 10 classes and one image, memory for training.

    Attributes:
        connection: its own one, and `connections` those that fit.
        problem: why images of the size do not pass through the network, so that some counts are None.
    """

    name: str
    task: str
    summary: str
    family: str
    year: int
    paper: str | None
    connection: str | None
    connections: list[str]
    sites: int
    input: list[int]
    parameters: int
    macs: int | None
    activation_bytes: int | None
    layers: int | None
    problem: str | None


class Catalog(TypedDict):
    """What is known: the names of all architectures, and rows by name and size of the input."""

    names: list[str]
    rows: dict[str, ModelRow]


class LayerRow(TypedDict):
    """A module: the shapes of what it reads and returns, without the batch, and its cost for one image."""

    kind: str
    input: list[int]
    output: list[int]
    parameters: int
    macs: int


class BlockRow(LayerRow):
    """A block: its stage (stem, stage1 ..., head), module path, and sites, counted as `model.connections`."""

    stage: str
    block: str
    sites: list[int]
    connection: str | None


class SavingTotal(TypedDict):
    """Multiply-adds and parameters of a network beside those with standard convolutions."""

    layer: str
    macs: int
    parameters: int
    factor: float
    standard_macs: int
    standard_parameters: int


class SavingRow(SavingTotal):
    """The same of a depthwise convolution, by its path, and the pointwise one behind it."""

    kernel: list[int]
    channels: list[int]
    output: list[int]


class StageRow(TypedDict):
    """A stage of a network beside that of another."""

    stage: str
    macs: int | None
    other_macs: int | None
    factor: float | None
    parameters: int | None
    other_parameters: int | None
