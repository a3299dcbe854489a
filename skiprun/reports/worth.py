"""What skip connections are worth where they do not decide whether a network trains: scores with and without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.reports.group import Group
from skiprun.reports.protocol import other_differences
from skiprun.reports.statistics import Difference, difference


@dataclass(frozen=True)
class Worth:
    """One test score of a network with a connection, and of the control without; `gain` is with minus without."""

    network: str
    connection: str
    control: str
    score: str
    value: float
    without: float
    gain: Difference
    also_differ: list[str]


def find_worth(groups: Sequence[Group]) -> list[Worth]:
    """Compare each segmentation network that has a connection with the control of its family."""
    segmenting = [group for group in groups if group.task == "segmentation"]
    controls = [group for group in segmenting if group.connection == "none"]
    return [
        worth
        for group in segmenting
        for control in controls
        if group.connection not in ("none", "-") and (group.family, group.data) == (control.family, control.data)
        for worth in scores_worth(group, control)
    ]


def scores_worth(group: Group, control: Group) -> list[Worth]:
    """Compare two networks in every test score that both have."""
    unequal = other_differences(group, control, ("model.",))
    return [
        Worth(
            network=group.label,
            connection=group.connection,
            control=control.label,
            score=name,
            value=group.sample(f"test.{name}").mean,
            without=control.sample(f"test.{name}").mean,
            gain=difference(group.by_seed(f"test.{name}"), control.by_seed(f"test.{name}")),
            also_differ=unequal,
        )
        for name in group.test_scores
        if name in control.test_scores
    ]
