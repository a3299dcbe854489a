"""How sure a difference between networks is, given the seeds that ran it.

Intervals are Student's t at 95 %. Runs of equal seeds are paired, since they share the data order; other runs are
compared by Welch's test, which does not suppose equal spreads. Several comparisons are corrected by Holm (1979).
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LEVEL = 0.95
ONE_SEED = "n = 1: one seed shows a difference, not its spread"
NO_SPREAD = "the same in every seed, so there is no spread to test against"


@dataclass(frozen=True)
class Sample:
    """Mean, sample standard deviation and 95 % interval of the mean of a network's runs; NaN where n is too small."""

    n: int
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """One network minus another in one number.

    Attributes:
        n: runs on the smaller side.
        effect: mean over standard deviation: of the differences (paired), or of both networks, pooled (Welch).
        method: "paired t", "Welch t", or "none" where nothing can be tested.
        by_seed: differences of the seeds that both have.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float
    effect: float
    method: str
    by_seed: dict[int, float]

    @property
    def significant(self) -> bool | None:
        """Whether the difference exceeds the noise; None where it cannot be tested."""
        return None if math.isnan(self.p) else self.p < 1 - LEVEL

    @property
    def noise(self) -> str:
        """Say how far the difference can be trusted."""
        if math.isnan(self.p):
            return ONE_SEED if self.n < 2 else NO_SPREAD
        kind = "paired by seed" if self.method == "paired t" else "Welch's test"
        beyond = "beyond" if self.significant else "not beyond"
        return f"{chance(self.p)}, {kind}, n = {self.n}: {beyond} the noise"


def summarize(values: Iterable[float]) -> Sample:
    """Return mean, spread and interval of the values that are finite."""
    finite = [value for value in values if math.isfinite(value)]
    mean = statistics.fmean(finite) if finite else math.nan
    if len(finite) < 2:
        return Sample(len(finite), mean, math.nan, math.nan, math.nan)
    std = statistics.stdev(finite)
    half = _quantile(len(finite) - 1) * std / math.sqrt(len(finite))
    return Sample(len(finite), mean, std, mean - half, mean + half)


@functools.cache
def _quantile(freedom: int) -> float:
    """Return how many standard errors the interval reaches to each side."""
    from scipy import stats

    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom))


def difference(one: Mapping[int, float], other: Mapping[int, float]) -> Difference:
    """Compare two networks by their values of each seed."""
    one, other = _finite(one), _finite(other)
    by_seed = {seed: one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())}
    if one.keys() == other.keys() and len(one) > 1:
        return _paired(one, other, by_seed)
    if min(len(one), len(other)) > 1:
        return _welch(one, other, by_seed)
    return _untested(one, other, by_seed)


def _finite(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _paired(one: Mapping[int, float], other: Mapping[int, float], by_seed: dict[int, float]) -> Difference:
    from scipy import stats

    spread = statistics.stdev(by_seed.values())
    if _is_nothing(spread, [*one.values(), *other.values()]):
        return _untested(one, other, by_seed)
    test = stats.ttest_rel([one[seed] for seed in by_seed], [other[seed] for seed in by_seed])
    low, high = test.confidence_interval(LEVEL)
    mean = statistics.fmean(by_seed.values())
    return Difference(
        len(by_seed), mean, float(low), float(high), float(test.pvalue), mean / spread, "paired t", by_seed
    )


def _welch(one: Mapping[int, float], other: Mapping[int, float], by_seed: dict[int, float]) -> Difference:
    from scipy import stats

    a, b = list(one.values()), list(other.values())
    spread = math.sqrt((statistics.variance(a) + statistics.variance(b)) / 2)
    if _is_nothing(spread, [*a, *b]):
        return _untested(one, other, by_seed)
    test = stats.ttest_ind(a, b, equal_var=False)
    low, high = test.confidence_interval(LEVEL)
    mean = statistics.fmean(a) - statistics.fmean(b)
    n = min(len(a), len(b))
    return Difference(n, mean, float(low), float(high), float(test.pvalue), mean / spread, "Welch t", by_seed)


def _untested(one: Mapping[int, float], other: Mapping[int, float], by_seed: dict[int, float]) -> Difference:
    """Return a difference of means that nothing can be claimed of."""
    nan, n = math.nan, min(len(one), len(other))
    mean = statistics.fmean(one.values()) - statistics.fmean(other.values()) if n else nan
    return Difference(n, mean, nan, nan, nan, nan, "none", by_seed)


def _is_nothing(spread: float, values: Sequence[float]) -> bool:
    """Tell whether a spread is only rounding: a test would then call anything significant."""
    return spread <= 1e-9 * max(abs(value) for value in values)


def chance(p: float) -> str:
    """Return a p value; below a thousandth the exact size says nothing more."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def holm(chances: Sequence[float]) -> list[float]:
    """Return p values corrected for their number; NaN stays NaN and does not count."""
    tested = sorted((p, index) for index, p in enumerate(chances) if not math.isnan(p))
    corrected, largest = list(chances), 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        corrected[index] = largest
    return corrected
