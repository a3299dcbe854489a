"""Differences between networks over seeds: paired tests, effect sizes, and what would be found.

Seeds that both networks have are paired, since they share the data order; where these are few, all runs are
compared by Welch's test, which does not suppose equal spreads. Several comparisons are corrected by Holm
(1979), which supposes nothing of how they depend on each other.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skiprun.results.statistics import LEVEL, critical_value

POWER = 0.8


@dataclass(frozen=True)
class Difference:
    """One network minus another in one number.

    Attributes:
        n: runs on the smaller side; where they are paired, the seeds that both have.
        effect: mean over standard deviation: of the differences (paired), or of both networks, pooled
            (Welch).
        method: "paired t", "Welch t", or "none" where nothing can be tested.
        by_seed: differences of the seeds that both have.
        detectable: the true difference that is found with 80 % power, one of so many tests as there were; at
            most.
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

    @property
    def tested(self) -> bool:
        """Whether there was anything to test against."""
        return self.method != "none"


def exceeds_noise(p: float) -> bool | None:
    """Tell whether a p value (corrected if one of several) is beyond noise; None where nothing was tested."""
    return None if math.isnan(p) else p < 1 - LEVEL


@functools.lru_cache(maxsize=1000)
def _noticed(freedom: float, tests: int) -> float:
    """Return how many standard errors a difference must have to be found with the usual power."""
    from scipy import special

    return float(special.nctdtrinc(freedom, 1 - POWER, critical_value(freedom, tests)))


class Estimate(NamedTuple):
    """A difference of means, the spread that scales its effect, its standard error and degrees of freedom."""

    mean: float
    spread: float
    error: float
    freedom: float


def difference(
    one: Mapping[int, float], other: Mapping[int, float], span: float = math.inf, tests: int = 1
) -> Difference:
    """Compare two networks by their values of each seed; the seeds choose the test, never the values.

    Args:
        one: values by seed.
        other: the other network's.
        span: no difference can be larger.
        tests: how many differences are tested together; it decides what is detectable, `holm` corrects p.
    """
    one, other = _finite(one), _finite(other)
    by_seed = {seed: one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())}
    smaller, largest = min(len(one), len(other)), max(map(abs, [*one.values(), *other.values()]), default=0.0)
    if len(by_seed) > 1 and 2 * len(by_seed) > smaller:
        n, method, found = len(by_seed), "paired t", _paired(list(by_seed.values()))
    elif smaller > 1:
        n, method, found = smaller, "Welch t", _welch(list(one.values()), list(other.values()))
    else:
        mean = statistics.fmean(one.values()) - statistics.fmean(other.values()) if smaller else math.nan
        return _untested(smaller, mean, by_seed)
    if found.spread <= 1e-9 * largest:  # only rounding: a test would call anything significant
        return _untested(n, found.mean, by_seed)
    half = critical_value(found.freedom) * found.error
    low, high = max(-span, found.mean - half), min(span, found.mean + half)
    detectable = _noticed(found.freedom, tests) * found.error
    return Difference(
        n, found.mean, low, high, _p(found), found.mean / found.spread, method, by_seed, detectable
    )


def _finite(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _untested(n: int, mean: float, by_seed: dict[int, float]) -> Difference:
    """Return a difference of means that nothing can be claimed of."""
    nan = math.nan
    return Difference(n, mean, nan, nan, nan, nan, "none", by_seed, nan)


def _paired(differences: Sequence[float]) -> Estimate:
    n, spread = len(differences), math.sqrt(_variance(differences))
    return Estimate(statistics.fmean(differences), spread, spread / math.sqrt(n), n - 1)


def _welch(one: Sequence[float], other: Sequence[float]) -> Estimate:
    """Return what Welch's test goes by; the degrees of freedom are Satterthwaite's."""
    variances = _variance(one), _variance(other)
    parts = [variance / len(values) for variance, values in zip(variances, (one, other), strict=True)]
    weights = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True))
    freedom = sum(parts) ** 2 / weights if weights else math.nan
    mean = statistics.fmean(one) - statistics.fmean(other)
    return Estimate(mean, math.sqrt(sum(variances) / 2), math.sqrt(sum(parts)), freedom)


def _variance(values: Sequence[float]) -> float:
    """Return the sample variance; the statistics module's is exact, and too slow for many pairs of runs."""
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _p(found: Estimate) -> float:
    """Return the two-sided p value of Student's t; scipy.stats has the same at a hundred times the price."""
    from scipy import special

    return float(2 * special.stdtr(found.freedom, -abs(found.mean) / found.error))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number; NaN stays NaN and does not count."""
    tested = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = list(p_values), 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[index] = largest
    return corrected
