"""Claim: without skip connections a segmentation network loses more of the boundaries than of the overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.finding import Finding
from skiprun.claims.skip_benefit import with_controls
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.significance import difference, exceeds_noise


@dataclass(frozen=True)
class BoundaryLoss:
    """What the control loses of the overlap and of the boundary, as shares of the scores with skips.

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

    @property
    def sentence(self) -> str:
        """Say what share of overlap and of boundary goes with the skips."""
        where = (
            "mostly at the boundaries" if self.at_boundary else "in the overlap rather than at the boundaries"
        )
        untested = "" if self.beyond_noise else ", untested"
        return (
            f"The skips of {self.network} matter {where}{untested}: without them {self.control} loses "
            f"{100 * self.boundary:.0f} % of the boundary score and {100 * self.overlap:.0f} % of the iou."
        )


def judge(groups: Sequence[Group], most: int | None = None) -> Finding[tuple[BoundaryLoss, ...]]:
    """Say of each network with skips where its control loses, if it loses overlap and has both scores.

    Args:
        groups: of finished runs.
        most: seeds at the last of several looks; None: their number was fixed.
    """
    lost = [(*pair, *_losses(*pair)) for pair in with_controls(groups)]
    cases = [case for case in lost if case[2] > 0 and not math.isnan(case[3])]
    tests = [
        difference(
            _boundary_over_overlap(group), _boundary_over_overlap(control), most=most, overlap=group.overlap
        )
        for group, control, *_ in cases
    ]
    losses = tuple(
        BoundaryLoss(group.label, control.label, overlap, boundary, test.mean > 0, p, exceeds_noise(p))
        for (group, control, overlap, boundary), test, p in zip(
            cases, tests, holm([t.p for t in tests]), strict=True
        )
    )
    return Finding(losses, tuple(loss.sentence for loss in losses if loss.beyond_noise is not False))


def _losses(group: Group, control: Group) -> tuple[float, float]:
    """Return the shares of overlap and boundary that the control loses; NaN for a score that is missing."""
    overlap, boundary = (_lost(group, control, f"test.{name}") for name in ("iou", "boundary"))
    return overlap, boundary


def _lost(group: Group, control: Group, key: str) -> float:
    value = group.mean(key)
    return (value - control.mean(key)) / value if value else math.nan


def _boundary_over_overlap(group: Group) -> dict[int, float]:
    """Return log(boundary / overlap) by seed: equal in both networks where they lose the same share."""
    overlap, boundary = group.by_seed("test.iou"), group.by_seed("test.boundary")
    both = overlap.keys() & boundary.keys()
    return {seed: math.log(max(boundary[seed], 1e-7) / max(overlap[seed], 1e-7)) for seed in both}
