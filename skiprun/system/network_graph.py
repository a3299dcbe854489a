"""A network as plain data: its weighted layers and connection sites, and what feeds which."""

from __future__ import annotations

from typing import TypedDict


class GraphNode(TypedDict):
    """A weighted layer, a connection site, or a place where a block joins tensors without a site.

    Attributes:
        path: of the module.
        kind: the class of a layer, the name of a connection, or 'join'.
        site: its number, as `skiprun models show` counts; None for what is no site.
        block: path of the block that it belongs to, and `stage` its stage (stem, stage1 ..., head).
        weight: shape of a layer's weight; empty for what is no layer.
        parameters: learned numbers.
        output: shape of the result, without the batch.
        sources: the nodes that its input, or the branch of a site, was computed from.
        shortcut: those that the shortcut x of a site was computed from; empty where x is not used.
        projected: whether x was brought to another shape on its way.
    """

    path: str
    kind: str
    site: int | None
    block: str
    stage: str
    weight: list[int]
    parameters: int
    output: list[int]
    sources: list[str]
    shortcut: list[str]
    projected: bool


class NetworkGraph(TypedDict):
    """A network: its nodes in the order in which they compute.

    Attributes:
        name: the architecture.
        detail: its options, or the run that trained it.
        input: channels, height and width of an image.
        layers: how many weighted layers it has.
        parameters: learned numbers of the whole network.
        blocks: the class of each block, by path.
        formulas: of each connection that it has.
    """

    name: str
    detail: str
    input: list[int]
    layers: int
    parameters: int
    blocks: dict[str, str]
    formulas: dict[str, str]
    nodes: list[GraphNode]
