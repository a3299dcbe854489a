"""Final training losses, compared as ratios since they spread over orders of magnitude, and their gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypedDict

from skiprun.results.significance import Difference, difference

MARGIN = 1.05  # a loss within 5 % of another is level with it
FITTED = 0.01  # nats; below this a network has learned its training split by heart, and ratios mean nothing

CLOSED = 0.95  # share of a gap from which on it counts as closed


class PairOfSeed(TypedDict):
    """What one seed shows: the losses of both networks, and whether the deep one's is higher."""

    seed: int
    shallow: float
    deep: float
    higher: bool


class CureOfSeed(TypedDict):
    """What one seed shows: its loss, and the share of the gap that it closes."""

    seed: int
    loss: float
    closed: float
    cured: bool


def level(loss: float) -> float:
    """Return the loss up to which another counts as level with this one; fitted networks are level."""
    return MARGIN * max(loss, FITTED)


def compare_losses(
    losses: Mapping[int, float],
    others: Mapping[int, float],
    tests: int = 1,
    most: int | None = None,
    overlap: float = 0.0,
) -> Difference:
    """Compare the logarithms of losses by seed, one of so many tests; see `difference`."""
    return difference(_logarithms(losses), _logarithms(others), tests=tests, most=most, overlap=overlap)


def _logarithms(losses: Mapping[int, float]) -> dict[int, float]:
    """Return logarithms; a loss of exactly nothing counts as the smallest that fp32 tells from it."""
    return {seed: math.log(max(loss, 1e-7)) for seed, loss in losses.items()}


def closing(shallow: float, deep: float) -> float:
    """Return the loss up to which the gap between a shallow and a deep network counts as closed."""
    return max(level(shallow), deep - CLOSED * (deep - shallow))


def closed(loss: float, shallow: float, deep: float) -> float:
    """Return the share of a gap that a loss closes; NaN where there is no gap."""
    return (deep - loss) / (deep - shallow) if deep > shallow else math.nan
