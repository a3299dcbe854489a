"""Plain networks, the controls of the degradation problem: residual blocks with nothing carried around."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

from skiprun.results.groups import Group
from skiprun.results.protocol import other_differences

DEPTH_KEYS = ("model.name", "model.depth", "model.connection")


def plain_networks(groups: Sequence[Group]) -> list[Group]:
    """Return the groups that have sites for a connection and none there, the shallowest first."""
    plain = [group for group in groups if group.connection == "none" and not math.isnan(group.layers)]
    return sorted(plain, key=lambda group: group.layers)


def pairs_by_depth(groups: Sequence[Group]) -> list[tuple[Group, Group, list[str]]]:
    """Return each shallow and deep plain network of one family, and what differs in them beside the depth.

    Pairs that differ in more than their depth are left out where there are others.
    """
    pairs = [
        (shallow, deep, other_differences(shallow, deep, DEPTH_KEYS))
        for shallow, deep in itertools.combinations(plain_networks(groups), 2)
        if (shallow.family, shallow.data) == (deep.family, deep.data) and shallow.layers < deep.layers
    ]
    return [pair for pair in pairs if not pair[2]] or pairs


def missing_control(groups: Sequence[Group]) -> str:
    """Say which plain network is missing."""
    plain = plain_networks(groups)
    if not plain:
        return (
            "no finished run is a plain network (connection none); add two depths, "
            "such as plain20 and plain56"
        )
    if len(plain) == 1:
        other, example = ("shallower", "plain20") if plain[0].layers > 20 else ("deeper", "plain56")
        return f"{plain[0].label} is the only finished plain network; add a {other} one, such as {example}"
    return "no two finished plain networks of one family, on the same data, differ in depth"


def missing_twin(deep: str) -> str:
    """Say which network with a connection is missing beside a deep plain one."""
    depth = re.search(r"plain(\d+)", deep)
    example = f"resnet{depth[1]}" if depth else "its residual twin"
    return (
        "Whether skips cure it cannot be judged: no finished network with a connection has the depth and "
        f"family of {deep}; add one, such as {example}."
    )
