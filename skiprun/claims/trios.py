"""Trios: a network with a connection, and the shallow and deep plain ones whose gap it may close."""

from __future__ import annotations

from collections.abc import Sequence

from skiprun.claims.plain_pair import PlainPair
from skiprun.results.groups import Group
from skiprun.results.protocol import MODEL, other_differences

Trio = tuple[Group, Group, Group, list[str]]  # with a connection, shallow, deep, and what else differs


def trios_of(groups: Sequence[Group], asked: Sequence[PlainPair]) -> list[Trio]:
    """Return each network with a connection, its shallow and deep plain ones, and how else the deep differs.

    Trios that differ in more than the model are left out where there are others.
    """
    named = {group.label: group for group in groups}
    twins = [
        (group, named[pair.shallow], named[pair.deep])
        for group in groups
        if group.connection not in ("none", "-")
        for pair in [pair for pair in asked if _is_twin(group, named[pair.deep])][:1]
    ]
    trios = [(*twin, other_differences(twin[0], twin[2], MODEL)) for twin in twins]
    return [trio for trio in trios if not trio[3]] or trios


def _is_twin(group: Group, deep: Group) -> bool:
    """Tell whether a network has a plain one's family, data and depth; projections may add a layer or two."""
    same = (group.family, group.data) == (deep.family, deep.data)
    return same and abs(group.layers - deep.layers) <= 0.1 * deep.layers
