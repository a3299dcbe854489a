"""Which of two sources gives more variance, and what ratio a number of pairs can see.

The differences that two sources make to the same runs are paired, and may be correlated. Their sum and their
difference are correlated exactly if the variances are not equal (Pitman 1939, Morgan 1939); as both have the
mean 0, all n pairs are degrees of freedom but one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from skiprun.results.power import POWER, fewest_seeds
from skiprun.results.statistics import critical_value

QUANTILES = 100  # of the chi square over which power is averaged
LARGEST = math.log(1e4)
FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Ratio:
    """How many times the standard deviation of a source is that of another.

    Attributes:
        n: seeds of which both differences are known.
        p: of the two being equal; NaN where nothing can be tested.
    """

    larger: str
    smaller: str
    n: int
    value: float
    p: float


def compare_spread(one: tuple[str, Mapping[int, float]], other: tuple[str, Mapping[int, float]]) -> Ratio:
    """Compare the spread of two sources, each a name and what it changed by seed."""
    seeds = sorted(one[1].keys() & other[1].keys())
    pairs = [(one[1][seed], other[1][seed]) for seed in seeds]
    first, second = (sum(pair[place] ** 2 for pair in pairs) for place in (0, 1))
    (large, larger), (small, smaller) = sorted([(first, one[0]), (second, other[0])], reverse=True)
    value = math.sqrt(large / small) if small else math.inf if large else math.nan
    return Ratio(larger, smaller, len(pairs), value, _pitman_morgan(pairs))


def _pitman_morgan(pairs: list[tuple[float, float]]) -> float:
    """Return the p value of two paired differences of mean 0 having one variance."""
    from scipy import special

    sums, differences = [a + b for a, b in pairs], [a - b for a, b in pairs]
    scale = math.sqrt(sum(each**2 for each in sums) * sum(each**2 for each in differences))
    if len(pairs) < 2 or not scale:
        return math.nan
    r = sum(a * b for a, b in zip(sums, differences, strict=True)) / scale
    if abs(r) >= 1:  # one changed nothing: a small test split has steps, which no normal score has
        return math.nan
    freedom = len(pairs) - 1
    return float(2 * special.stdtr(freedom, -abs(r) * math.sqrt(freedom / (1 - r**2))))


@functools.lru_cache(maxsize=1000)
def detectable_ratio(n: int, tests: int = 1) -> float:
    """Return how many times two standard deviations must be each other to be told apart with 80 % power.

    Args:
        n: pairs of each source; two tell nothing apart.
        tests: how many sources are compared with each other, two by two.
    """
    from scipy import optimize

    if n < FEWEST_PAIRS:
        return math.inf
    return math.exp(optimize.brentq(lambda log: _power(math.exp(log), n, tests) - POWER, 0.0, LARGEST))


def _power(ratio: float, n: int, tests: int) -> float:
    """Return how often two independent sources are told apart whose standard deviations have a ratio.

    Given the sum, the difference of a pair is a regression on it, whose t is noncentral.
    """
    import numpy as np
    from scipy import special

    critical = critical_value(n - 1, tests)
    sums = special.chdtri(n, (np.arange(QUANTILES) + 0.5) / QUANTILES)
    shift = (ratio**2 - 1) / (2 * ratio) * np.sqrt(sums)
    missed = special.nctdtr(n - 1, shift, critical)
    return 1 - float(np.mean(np.nan_to_num(missed)))  # NaN: it is too small to be computed


def seeds_to_rank(ratio: float, tests: int = 1) -> int | None:
    """Return with how many seeds a ratio is found with 80 % power, None if 1,000 are too few."""
    return fewest_seeds(lambda n: detectable_ratio(n, tests) <= ratio)
