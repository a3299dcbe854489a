"""A coarser diagram: one bar for all layers of a block."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from skiprun.reports.diagram.diagram import Diagram
from skiprun.system.network_graph import GraphNode

BARS = "a bar is a block"


def by_blocks(diagram: Diagram) -> Diagram:
    """Return a diagram in which the layers of a block are one, of the geometric mean of their values.

    Sites and joins stay.
    """
    graph, values = diagram.graph, dict(diagram.measure.values)
    homes, nodes = dict[str, str](), list[GraphNode]()
    for block, inside in itertools.groupby(graph["nodes"], key=lambda node: node["block"]):
        members = list(inside)
        layers = [node for node in members if node["weight"]]
        if len(layers) > 1:
            homes |= {node["path"]: block for node in layers}
            values[block] = _mean([values.get(node["path"]) for node in layers])
            nodes.append(_merged(block, graph["blocks"][block], layers))
            members = [node for node in members if not node["weight"]]
        nodes += members
    moved = [_moved(node, homes) for node in nodes]
    detail = f"{graph['detail']}; {BARS}" if graph["detail"] else BARS
    return replace(
        diagram,
        graph={**graph, "nodes": moved, "detail": detail},
        measure=replace(diagram.measure, values=values),
    )


def _merged(block: str, kind: str, layers: Sequence[GraphNode]) -> GraphNode:
    """Return the layers of a block as one, which stands where the first stood."""
    return {
        **layers[0],
        "path": block,
        "kind": f"{kind} of {len(layers)} layers, weights:",
        "weight": [sum(math.prod(node["weight"]) for node in layers)],
        "parameters": sum(node["parameters"] for node in layers),
        "output": layers[-1]["output"],
        "sources": [source for node in layers for source in node["sources"]],
    }


def _moved(node: GraphNode, homes: dict[str, str]) -> GraphNode:
    """Return a node that is fed by the blocks of the layers that fed it, each once, and not by itself."""
    sources = dict.fromkeys(homes.get(source, source) for source in node["sources"])
    shortcut = dict.fromkeys(homes.get(source, source) for source in node["shortcut"])
    return {
        **node,
        "sources": [source for source in sources if source != node["path"]],
        "shortcut": [source for source in shortcut if source != node["path"]],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    shown = [value for value in values if value]
    return statistics.geometric_mean(shown) if shown else values[0]
