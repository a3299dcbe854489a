"""The layout of encoder-decoders: a level for each size of the image, so that a U-Net is a U."""

from __future__ import annotations

from collections.abc import Sequence

from skiprun.reports.diagram.places import (
    BLOCK_GAP,
    GAP,
    MARGIN,
    Caption,
    Layout,
    Place,
    headroom,
    shape_text,
    side,
    size,
    skips,
)
from skiprun.system.network_graph import GraphNode, NetworkGraph

CLUSTER_GAP, LEVEL_GAP = 20.0, 26.0
LABELS = 62.0  # width of the column that says the sizes
INSIDE = 3.0  # more room around a site, from whose sides skips come

Cluster = list[GraphNode]


def climbs(graph: NetworkGraph) -> bool:
    """Tell whether the image grows again on its way, as in a decoder."""
    sides = {node["path"]: side(node) for node in graph["nodes"]}
    return any(
        node["sources"] and side(node) > max(sides[source] for source in node["sources"])
        for node in graph["nodes"]
    )


def lay_levels(graph: NetworkGraph) -> Layout:
    """Return the places of a network's nodes: each as far left as what it is made of allows."""
    clusters = _clusters(graph["nodes"])
    sides = sorted({side(node) for node in graph["nodes"]}, reverse=True)
    members = [[node for node in graph["nodes"] if side(node) == each] for each in sides]
    middles, heights, y = dict[int, float](), dict[int, float](), 0.0
    for each, nodes in zip(sides, members, strict=True):
        heights[each] = max(size(node)[1] for node in nodes)
        middles[each] = y + headroom(nodes) + heights[each] / 2
        y = middles[each] + heights[each] / 2 + LEVEL_GAP
    places = _places(clusters, middles, sides)
    captions = [
        Caption(MARGIN, middles[each], shape_text([each] * 2), f"{nodes[0]['output'][0]} channels", True)
        for each, nodes in zip(sides, members, strict=True)
        if len(nodes[0]["output"]) == 3
    ]
    return Layout(places, captions, max(place.right for place in places.values()) + MARGIN, y - LEVEL_GAP + 8)


def _clusters(nodes: Sequence[GraphNode]) -> list[Cluster]:
    """Return runs of nodes of one size, each fed by the one before."""
    clusters: list[Cluster] = []
    for node in nodes:
        last = clusters[-1][-1] if clusters else None
        if last and last["path"] in node["sources"] and side(last) == side(node):
            clusters[-1].append(node)
        else:
            clusters.append([node])
    return clusters


def _places(clusters: Sequence[Cluster], middles: dict[int, float], sides: Sequence[int]) -> dict[str, Place]:
    places: dict[str, Place] = {}
    ends = dict.fromkeys(sides, MARGIN + LABELS)
    for cluster in clusters:
        level = side(cluster[0])
        fed_by = [path for node in cluster for path in [*node["sources"], *skips(node)] if path in places]
        x = max([ends[level], *(places[path].right for path in fed_by)]) + CLUSTER_GAP
        for before, node in zip([cluster[0], *cluster], cluster, strict=False):
            x += INSIDE if skips(node) else 0.0
            x += BLOCK_GAP - GAP if before["block"] != node["block"] else 0.0
            places[node["path"]] = Place(sides.index(level), x, middles[level], *size(node))
            x += size(node)[0] + GAP
        ends[level] = x - GAP
    return places
