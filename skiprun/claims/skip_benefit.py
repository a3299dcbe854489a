"""Claim: what skip connections gain where a network trains without them too; scores with and without."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.results.groups import Group, possible
from skiprun.results.protocol import other_differences
from skiprun.results.statistics import Difference, difference, exceeds_noise, holm


@dataclass(frozen=True)
class SkipBenefit:
    """One test score of a network with a connection, and of the control without.

    Attributes:
        gain: with minus without.
        p: that there is none, corrected for the number of scores and networks.
        beyond_noise: whether there is one; None where that cannot be tested.
    """

    network: str
    connection: str
    control: str
    score: str
    value: float
    without: float
    gain: Difference
    p: float
    beyond_noise: bool | None
    also_differ: list[str]


@dataclass(frozen=True)
class Place:
    """Whether the control loses more of the boundary or of the overlap: shares of the score with skips.

    Attributes:
        at_boundary: whether it loses more of the boundary.
        p: that it loses the same share of both, corrected for the number of networks.
        beyond_noise: whether that can be told; None where it cannot be tested.
    """

    network: str
    control: str
    overlap: float
    boundary: float
    at_boundary: bool
    p: float
    beyond_noise: bool | None


def find_worth(groups: Sequence[Group]) -> list[SkipBenefit]:
    """Compare each segmentation network that has a connection with the control of its family, in every score."""
    cases = [
        (group, control, name)
        for group, control in _with_control(groups)
        for name in group.test_scores
        if name in control.test_scores
    ]
    gains = [_gain(*case, tests=len(cases)) for case in cases]
    return [
        SkipBenefit(
            network=group.label,
            connection=group.connection,
            control=control.label,
            score=name,
            value=group.mean(f"test.{name}"),
            without=control.mean(f"test.{name}"),
            gain=gain,
            p=p,
            beyond_noise=exceeds_noise(p),
            also_differ=other_differences(group, control, ("model.",)),
        )
        for (group, control, name), gain, p in zip(cases, gains, holm([gain.p for gain in gains]), strict=True)
    ]


def _with_control(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Return each segmentation network that has a connection beside each control of its family and data."""
    segmenting = [group for group in groups if group.task == "segmentation"]
    return [
        (group, control)
        for group in segmenting
        for control in segmenting
        if group.connection not in ("none", "-") and control.connection == "none"
        if (group.family, group.data) == (control.family, control.data)
    ]


def _gain(group: Group, control: Group, name: str, tests: int) -> Difference:
    key = f"test.{name}"
    return difference(group.by_seed(key), control.by_seed(key), possible(key)[1], tests)


def find_places(groups: Sequence[Group]) -> list[Place]:
    """Say of each network with skips where its control loses, if it loses overlap and both have the two scores."""
    lost = [(*pair, *_losses(*pair)) for pair in _with_control(groups)]
    cases = [case for case in lost if case[2] > 0 and not math.isnan(case[3])]
    tests = [difference(_boundary_over_overlap(case[0]), _boundary_over_overlap(case[1])) for case in cases]
    return [
        Place(group.label, control.label, overlap, boundary, test.mean > 0, p, exceeds_noise(p))
        for (group, control, overlap, boundary), test, p in zip(cases, tests, holm([t.p for t in tests]), strict=True)
    ]


def _losses(group: Group, control: Group) -> tuple[float, float]:
    """Return the shares of overlap and boundary that the control loses; NaN for a score that one of them lacks."""
    overlap, boundary = (_lost(group, control, f"test.{name}") for name in ("iou", "boundary"))
    return overlap, boundary


def _lost(group: Group, control: Group, key: str) -> float:
    value = group.mean(key)
    return (value - control.mean(key)) / value if value else math.nan


def _boundary_over_overlap(group: Group) -> dict[int, float]:
    """Return the logarithm of boundary over overlap by seed: equal in both networks where they lose the same share."""
    overlap, boundary = group.by_seed("test.iou"), group.by_seed("test.boundary")
    both = overlap.keys() & boundary.keys()
    return {seed: math.log(max(boundary[seed], 1e-7) / max(overlap[seed], 1e-7)) for seed in both}
