"""The layout of networks in which the image shrinks: a row for a stage, and several for one that is deep."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from skiprun.reports.diagram.places import (
    BLOCK_GAP,
    GAP,
    LETTER,
    MARGIN,
    STAGE_GAP,
    Caption,
    Layout,
    Place,
    headroom,
    shape_text,
    size,
)
from skiprun.system.network_graph import GraphNode, NetworkGraph

WIDTH = 640.0  # of a row; blocks are not broken
BOLD = 9.5  # of a letter of a name, which is larger on a small screen
CAPTION, FOOT, ROW_GAP = 20.0, 8.0, 24.0  # heights: of a caption, of numbers below sites, between rows

Block = list[GraphNode]


@dataclass
class Row:
    """A row as it fills: its nodes with their left edges, captions, and where the next block may begin."""

    end: float = MARGIN
    nodes: list[tuple[GraphNode, float]] = field(default_factory=list)
    captions: list[tuple[float, str, str]] = field(default_factory=list)

    def add_stage(self, name: str, quiet: str) -> None:
        """Begin a stage behind what is there."""
        if self.nodes:
            self.end += STAGE_GAP - BLOCK_GAP
        if self.captions:
            self.end = max(self.end, self.captioned + BLOCK_GAP)
        self.captions.append((self.end, name, quiet))

    @property
    def captioned(self) -> float:
        """Where the last caption ends."""
        ends = [x + max(LETTER * len(name + quiet), BOLD * len(name)) for x, name, quiet in self.captions]
        return max(ends, default=0.0)

    def add_block(self, block: Block) -> None:
        """Place a block, and leave a gap behind it."""
        for node in block:
            self.nodes.append((node, self.end))
            self.end += size(node)[0] + GAP
        self.end += BLOCK_GAP - GAP


def lay_rows(graph: NetworkGraph) -> Layout:
    """Return the places of a network's nodes."""
    rows = [Row()]
    for stage, members in itertools.groupby(graph["nodes"], key=lambda node: node["stage"]):
        _add_stage(rows, stage, _blocks(members), graph["blocks"])
    places, captions, y = dict[str, Place](), list[Caption](), 0.0
    for number, row in enumerate(rows):
        nodes = [node for node, _ in row.nodes]
        if row.captions:
            captions += [Caption(x, y + 11, name, quiet) for x, name, quiet in row.captions]
            y += CAPTION
        tallest = max(size(node)[1] for node in nodes)
        middle = y + headroom(nodes) + tallest / 2
        for node, left in row.nodes:
            places[node["path"]] = Place(number, left, middle, *size(node))
        y = middle + tallest / 2 + FOOT + ROW_GAP
    return Layout(
        places, captions, max(max(row.end - BLOCK_GAP, row.captioned) for row in rows) + MARGIN, y - ROW_GAP
    )


def _blocks(nodes: Iterable[GraphNode]) -> list[Block]:
    return [list(block) for _, block in itertools.groupby(nodes, key=lambda node: node["block"])]


def _add_stage(rows: list[Row], name: str, blocks: Sequence[Block], kinds: dict[str, str]) -> None:
    """Put a stage behind the last one where it fits, else on rows of its own, equally long ones."""
    width = sum(map(_width, blocks))
    whole = MARGIN + WIDTH
    behind_stem = len(rows[-1].nodes) < 3
    if rows[-1].end + STAGE_GAP + width > whole and not behind_stem and width > STAGE_GAP:
        rows.append(Row())
    lines = math.ceil(width / (whole - rows[-1].end - (STAGE_GAP if rows[-1].nodes else 0)))
    each = math.ceil(len(blocks) / max(1, lines))
    for first in range(0, len(blocks), each):
        if first:
            rows.append(Row())
        else:
            rows[-1].add_stage(name, _facts(blocks, kinds))
        for block in blocks[first : first + each]:
            rows[-1].add_block(block)


def _width(block: Block) -> float:
    return sum(size(node)[0] + GAP for node in block) - GAP + BLOCK_GAP


def _facts(blocks: Sequence[Block], kinds: dict[str, str]) -> str:
    """Return how many blocks of which kind a stage has, and the shape of its result."""
    of_several = [kinds[block[0]["block"]] for block in blocks if len(block) > 1]
    if not of_several:
        return ""
    kind = max(of_several, key=of_several.count)
    return f"\u2002{of_several.count(kind)} \u00d7 {kind}\u2002{shape_text(blocks[-1][-1]['output'])}"
