"""Differences between networks over seeds: paired tests, effect sizes, and what would be found.

Seeds that both networks have are paired, since they share the data order; where these are few, all runs are
compared by Welch's test, which does not suppose equal spreads. Several comparisons are corrected by Holm
(1979), which supposes nothing of how they depend on each other.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from skiprun.results.estimate import paired, welch
from skiprun.results.power import detectable_errors, seeds_to_find
from skiprun.results.sequential import FIRST_LOOK, level_of_look, p_of_look
from skiprun.results.statistics import LEVEL, critical_value


@dataclass(frozen=True)
class Difference:
    """One network minus another in one number.

    Attributes:
        n: runs on the smaller side; where they are paired, the seeds that both have.
        effect: mean over standard deviation: of the differences (paired), or of both networks, pooled
            (Welch).
        method: "paired t", "Welch t", or "none" where nothing can be tested.
        by_seed: differences of the seeds that both have.
        detectable: the true difference that is found with 80 % power, as one of so many tests; at most.
        seeds_needed: with how many the difference seen is found with that power; None if 1,000 are too few,
            or nothing was tested.
        error, freedom: standard error of the mean, and its degrees of freedom.
        tests: how many differences are tested together.
        most: seeds at the last of several looks, all of which low, high, p and what is detectable count;
            None: the number of seeds was fixed.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float
    effect: float
    method: str
    by_seed: dict[int, float]
    detectable: float
    seeds_needed: int | None
    error: float
    freedom: float
    tests: int
    most: int | None

    @property
    def tested(self) -> bool:
        """Whether there was anything to test against."""
        return self.method != "none"


def exceeds_noise(p: float) -> bool | None:
    """Tell whether a p value (corrected if one of several) is beyond noise; None where nothing was tested."""
    return None if math.isnan(p) else p < 1 - LEVEL


def difference(
    one: Mapping[int, float],
    other: Mapping[int, float],
    span: float = math.inf,
    tests: int = 1,
    most: int | None = None,
    overlap: float = 0.0,
) -> Difference:
    """Compare two networks by their values of each seed; the seeds choose the test, never the values.

    Args:
        one: values by seed.
        other: the other network's.
        span: no difference can be larger.
        tests: how many differences are tested together; it decides what is detectable, `holm` corrects p.
        most: seeds at the last of several looks; None: their number was fixed.
        overlap: of the training sets of folds, see `estimate`.
    """
    one, other = _finite(one), _finite(other)
    by_seed = {seed: one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())}
    smaller, largest = min(len(one), len(other)), max(map(abs, [*one.values(), *other.values()]), default=0.0)
    if len(by_seed) > 1 and 2 * len(by_seed) > smaller:
        n, method, found = len(by_seed), "paired t", paired(list(by_seed.values()), overlap)
    elif smaller > 1:
        n, method, found = smaller, "Welch t", welch(list(one.values()), list(other.values()), overlap)
    else:
        mean = statistics.fmean(one.values()) - statistics.fmean(other.values()) if smaller else math.nan
        return _untested(smaller, mean, by_seed, tests, most)
    no_spread = found.spread <= 1e-9 * largest  # only rounding: a test would call anything significant
    if no_spread or (most and n < FIRST_LOOK):
        return _untested(n, found.mean, by_seed, tests, most)
    alpha = level_of_look(n, most) if most else 1 - LEVEL
    half = critical_value(found.freedom, alpha=alpha) * found.error
    return Difference(
        n=n,
        mean=found.mean,
        low=max(-span, found.mean - half),
        high=min(span, found.mean + half),
        p=p_of_look(found.p, n, most) if most else found.p,
        effect=found.mean / found.spread,
        method=method,
        by_seed=by_seed,
        detectable=detectable_errors(found.freedom, tests, alpha) * found.error,
        seeds_needed=seeds_to_find(found.mean, n, found.error, found.freedom, tests, alpha, overlap),
        error=found.error,
        freedom=found.freedom,
        tests=tests,
        most=most,
    )


def _finite(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _untested(n: int, mean: float, by_seed: dict[int, float], tests: int, most: int | None) -> Difference:
    """Return a difference of means that nothing can be claimed of."""
    nan = math.nan
    return Difference(n, mean, nan, nan, nan, nan, "none", by_seed, nan, None, nan, nan, tests, most)
