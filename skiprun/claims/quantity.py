"""A number of a claim with the region that it is expected in, fixed before anything was measured.

Its 95 % interval over seeds lies within the region (PASS), beyond it (FAIL), or over an edge (INCONCLUSIVE).
A claim passes if all of its quantities do, which needs no correction for their number (Berger 1982, the
intersection-union test). It fails if one of k lies beyond its region at the level .05 / k (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from skiprun.results.numbers import significant
from skiprun.results.power import detectable_errors
from skiprun.results.proportions import proportion
from skiprun.results.statistics import LEVEL, critical_value, sample_of

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Region:
    """Where a number is expected; the ends do not belong to it."""

    low: float = -math.inf
    high: float = math.inf

    @property
    def words(self) -> str:
        """Say where it lies."""
        if math.isinf(self.high):
            return f"above {significant(self.low)}"
        if math.isinf(self.low):
            return f"below {significant(self.high)}"
        return f"{significant(self.low)} to {significant(self.high)}"

    def verdict(self, low: float, high: float) -> Verdict:
        """Judge an interval."""
        if self.low < low and high < self.high:
            return "PASS"
        return "FAIL" if high <= self.low or low >= self.high else "INCONCLUSIVE"


def above(value: float) -> Region:
    """Return all that is larger."""
    return Region(low=value)


def below(value: float) -> Region:
    """Return all that is smaller."""
    return Region(high=value)


def near(value: float, tolerance: float) -> Region:
    """Return what is within a tolerance of a value."""
    return Region(value - tolerance, value + tolerance)


@dataclass(frozen=True)
class Quantity:
    """A number of a claim.

    Attributes:
        name: what it is, with its unit.
        expected: where it must lie.
        values: by seed.
        scale: "linear"; "log" for ratios, whose interval is that of their logarithms; "share" for values of 0
            and 1, whose interval is Wilson's; "exact" for what is counted, and is the same whatever the seed.
    """

    name: str
    expected: Region
    values: Mapping[int, float]
    scale: Literal["linear", "log", "share", "exact"] = "linear"

    @property
    def value(self) -> float:
        """The mean over seeds, the geometric one of ratios; NaN where there is no value."""
        sample = sample_of(self._scaled)
        return math.exp(sample.mean) if self.scale == "log" else sample.mean

    @property
    def detectable(self) -> float:
        """How far, or how many times, an edge must lie from the value to be told from it with 80 % power."""
        sample = sample_of(self._scaled)
        if self.scale in ("share", "exact") or sample.n < 2:
            return math.nan
        distance = detectable_errors(sample.n - 1) * sample.std / math.sqrt(sample.n)
        return math.exp(min(distance, 700.0)) if self.scale == "log" else distance

    def interval(self, tests: int = 1) -> tuple[float, float]:
        """Return the interval that holds the value with all of so many quantities in 95 of 100 cases.

        One value that is not exact has none: it ends nowhere.
        """
        values, level = self._scaled, 1 - (1 - LEVEL) / tests
        if self.scale == "exact" and values:
            return min(values), max(values)
        if self.scale == "share" and values:
            ends = proportion(round(sum(values)), len(values), level)
            return ends.low, ends.high
        sample = sample_of(values)
        if sample.n < 2:
            return -math.inf, math.inf
        half = critical_value(sample.n - 1, tests) * sample.std / math.sqrt(sample.n)
        low, high = sample.mean - half, sample.mean + half
        return (math.exp(low), math.exp(high)) if self.scale == "log" else (low, high)

    def verdict(self, seeds: int, tests: int = 1) -> Verdict:
        """Judge the interval; a seed whose value is missing leaves it open."""
        return self.expected.verdict(*self.interval(tests)) if len(self._scaled) >= seeds else "INCONCLUSIVE"

    @property
    def _scaled(self) -> list[float]:
        """The values that are there, on the scale on which they spread evenly."""
        if self.scale == "log":
            return [math.log(value) for value in self.values.values() if 0 < value < math.inf]
        return [value for value in self.values.values() if math.isfinite(value)]


def minus(name: str, one: Mapping[int, float], other: Mapping[int, float], expected: Region) -> Quantity:
    """Return one minus another, paired by seed."""
    return Quantity(name, expected, {seed: one[seed] - other[seed] for seed in one.keys() & other.keys()})


def ratio(name: str, one: Mapping[int, float], other: Mapping[int, float], expected: Region) -> Quantity:
    """Return one over another, positive numbers both, paired by seed."""
    return Quantity(name, expected, quotients(one, other), "log")


def quotients(one: Mapping[int, float], other: Mapping[int, float]) -> dict[int, float]:
    """Return one over another by seed; NaN, which leaves a claim open, where the other is 0."""
    both = sorted(one.keys() & other.keys())
    return {seed: one[seed] / other[seed] if other[seed] else math.nan for seed in both}


def decide(quantities: Sequence[Quantity], seeds: int) -> Verdict:
    """Return the verdict on a claim by its quantities, each of which should have so many values.

    Raises:
        ValueError: there is no quantity to judge by.
    """
    if not quantities:
        raise ValueError("a claim needs a quantity to be judged by")
    if all(each.verdict(seeds) == "PASS" for each in quantities):
        return "PASS"
    fails = any(each.verdict(seeds, len(quantities)) == "FAIL" for each in quantities)
    return "FAIL" if fails else "INCONCLUSIVE"
