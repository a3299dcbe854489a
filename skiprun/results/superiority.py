"""The probability that one run of a network beats one of another, as somebody who trains once asks for it."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import NamedTuple

from skiprun.results.statistics import critical_value


class WinProbability(NamedTuple):
    """A share of pairs, ties by half, and its 95 % interval; NaN where a network has fewer than two runs."""

    value: float
    low: float
    high: float


def win_probability(
    one: Collection[float], other: Collection[float], higher_is_better: bool, overlap: float = 0.0
) -> WinProbability:
    """Return how often a run of one network beats a run of the other (Mann and Whitney 1947).

    The interval is that of Newcombe (2006, method 5) with the quantile of Student's t for the normal one: a
    bootstrap's is too narrow for a few seeds, and so is the normal one's for three that are all behind. Runs
    that are folds count as the fewer independent ones whose mean varies as much as theirs.

    Args:
        one: the scores of one network, finite.
        other: those of the other.
        higher_is_better: whether a higher score beats a lower one.
        overlap: of the training sets of folds, see `estimate`.
    """
    if min(len(one), len(other)) < 2:
        return WinProbability(math.nan, math.nan, math.nan)
    sign = 1 if higher_is_better else -1
    gaps = [sign * (a - b) for a in one for b in other]
    value = sum((gap > 0) + (gap == 0) / 2 for gap in gaps) / len(gaps)
    errors = critical_value(len(one) + len(other) - 2)
    counts = [1 / (1 / len(values) + overlap) for values in (one, other)]
    low, high = (_end(value, end, errors, *counts) for end in (0.0, 1.0))
    return WinProbability(value, low, high)


def _end(value: float, end: float, errors: float, m: float, n: float) -> float:
    """Return where, on the way from the value to 0 or 1, a probability is too far from what was seen."""
    inside, outside = value, end
    for _ in range(50):
        middle = (inside + outside) / 2
        if abs(middle - value) <= errors * math.sqrt(_variance_of_share(middle, m, n)):
            inside = middle
        else:
            outside = middle
    return inside


def _variance_of_share(value: float, m: float, n: float) -> float:
    """Return the variance of the share where it is `value`, for exponential scores (Hanley, McNeil 1982)."""
    more = (m + n) / 2 - 1
    spread = 1 + more * ((1 - value) / (2 - value) + value / (1 + value))
    return value * (1 - value) * spread / (m * n)
