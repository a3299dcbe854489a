"""The lines of a diagram: how data flows from node to node, and the skips that arch over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skiprun.reports.diagram.places import LIFT, NEST, Place
from skiprun.reports.diagram.shapes import points

Places = Mapping[str, Place]
RADIUS = 10.0


def flow_path(places: Places, order: Sequence[str], source: str, target: str) -> str:
    """Return the way from a node to one that it feeds: straight, bent to another row, or below others."""
    start, end = places[source], places[target]
    if start.row == end.row:
        between = _between(places, order, source, target)
        if not between:
            return f"M{points(start.right, start.middle)}H{points(end.left)}"
        return _below(start, end, max(place.bottom for place in between) + LIFT - 3)
    if end.left > start.right:
        middle = (start.right + end.left) / 2
        return (
            f"M{points(start.right, start.middle)}"
            f"C{points(middle, start.middle, middle, end.middle, end.left, end.middle)}"
        )
    return _to_next_row(start, end, max(place.bottom for place in places.values() if place.row == start.row))


def _to_next_row(start: Place, end: Place, bottom: float) -> str:
    """Return the way from the end of a row to the beginning of a later one, between the two."""
    right, left, low = start.right + 12, end.left - 20, bottom + 15
    r = min(8.0, (low - start.middle) / 2)
    return (
        f"M{points(start.right, start.middle)}H{points(right - r)}q{points(r, 0, r, r)}V{points(low - r)}"
        f"q{points(0, r, -r, r)}H{points(left + r)}q{points(-r, 0, -r, r)}V{points(end.middle - r)}"
        f"q{points(0, r, r, r)}H{points(end.left)}"
    )


def _below(start: Place, end: Place, low: float) -> str:
    """Return the way around others between two nodes of a row."""
    left, right = start.right + 3, end.left - 3
    r = min(RADIUS, (right - left) / 2)
    return (
        f"M{points(left, start.middle)}V{points(low - r)}q{points(0, r, r, r)}H{points(right - r)}"
        f"q{points(r, 0, r, -r)}V{points(end.middle)}"
    )


def skip_path(places: Places, order: Sequence[str], source: str, site: str, nested: int = 0) -> str:
    """Return the arc of a skip: up from the flow behind its source, over what it passes, down into the site.

    Args:
        places: of all nodes.
        order: the nodes as they compute.
        source: where it begins.
        site: where it ends.
        nested: how many other skips of the site it passes over.
    """
    start, end = places[source], places[site]
    between = _between(places, order, source, site)
    if start.row == end.row:
        left = start.right + (3 if not between else min(4.5, (between[0].left - start.right) / 2))
    else:
        left = between[0].left - 8 if between else end.left - 8
    top = min([place.top for place in between] or [end.top]) - LIFT - NEST * nested
    r = min(RADIUS, (end.centre - left) / 2)
    return (
        f"M{points(left, end.middle)}V{points(top + r)}q{points(0, -r, r, -r)}H{points(end.centre - r)}"
        f"q{points(r, 0, r, r)}V{points(end.top)}"
    )


def _between(places: Places, order: Sequence[str], source: str, target: str) -> list[Place]:
    """Return the places of a row that lie between two nodes, from left to right."""
    start, end = places[source], places[target]
    first = start.right if start.row == end.row else 0.0
    found = [
        place
        for place in places.values()
        if place.row == end.row and first <= place.left and place.right <= end.left
    ]
    if start.row != end.row and source in order:  # only what lies behind the source
        later = {places[path] for path in order[order.index(source) + 1 : order.index(target)]}
        found = [place for place in found if place in later]
    return sorted(found, key=lambda place: place.left)
