"""Shares of runs that trained at all: a run that did not is a result, not a gap in a table."""

from __future__ import annotations

from dataclasses import dataclass

from skiprun.results.statistics import LEVEL


@dataclass(frozen=True)
class Proportion:
    """How many of the runs of a network trained, with the interval of the share (Wilson 1927)."""

    trained: int
    runs: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share."""
        return self.trained / self.runs


def proportion(trained: int, runs: int, level: float = LEVEL) -> Proportion:
    """Return a share of one run or more with its interval."""
    from scipy import stats

    interval = stats.binomtest(trained, runs).proportion_ci(level, method="wilson")
    return Proportion(trained, runs, float(interval.low), float(interval.high))


def shares_differ(one: Proportion, other: Proportion) -> float:
    """Return the p value of two shares being equal (Fisher's exact test)."""
    from scipy import stats

    table = [[each.trained, each.runs - each.trained] for each in (one, other)]
    return float(stats.fisher_exact(table)[1])
