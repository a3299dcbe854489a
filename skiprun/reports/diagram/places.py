"""Where the parts of a diagram lie; what the two layouts share. Lengths are in units of the viewBox."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.system.network_graph import GraphNode

LAYER, SITE, JOIN = 12.0, 12.0, 7.0  # widths
GAP, BLOCK_GAP, STAGE_GAP = 6.0, 15.0, 30.0
LETTER = 6.9  # of a caption
MARGIN = 24.0
LIFT, NEST = 9.0, 6.0  # of a skip over what it passes, and of one over another


@dataclass(frozen=True)
class Place:
    """A node: its left edge, the height of its middle, and its size; row numbers the lines of the flow."""

    row: int
    left: float
    middle: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def centre(self) -> float:
        """Halfway between both edges."""
        return self.left + self.width / 2

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.middle - self.height / 2

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.middle + self.height / 2


@dataclass(frozen=True)
class Caption:
    """Words beside a row or a stage, the second part of them quiet; `below` puts it on a line of its own."""

    x: float
    y: float
    text: str
    quiet: str
    below: bool = False


@dataclass(frozen=True)
class Layout:
    """The places of all nodes by path, captions, and the size of it all."""

    places: dict[str, Place]
    captions: list[Caption]
    width: float
    height: float


def side(node: GraphNode) -> int:
    """Return the height of a node's result in pixels; 1 for a vector."""
    return node["output"][1] if len(node["output"]) == 3 else 1


def size(node: GraphNode) -> tuple[float, float]:
    """Return width and height of a node; a layer is the higher, the larger its images are."""
    if node["weight"]:
        return LAYER, 12.0 + 5.0 * math.log2(side(node))
    return (SITE, SITE) if node["site"] is not None else (JOIN, JOIN)


def headroom(nodes: Sequence[GraphNode]) -> float:
    """Return the room that skips take above a row of nodes."""
    nested = max((len(skips(node)) for node in nodes), default=0)
    return LIFT + NEST * (nested - 1) if nested else 0.0


def skips(node: GraphNode) -> list[str]:
    """Return the nodes from which a skip leads to a node; of a join, all but the last."""
    return node["sources"][:-1] if node["kind"] == "join" else node["shortcut"]


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as papers print it."""
    return "\u00d7".join(map(str, shape))
