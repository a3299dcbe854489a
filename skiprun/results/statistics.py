"""Mean, spread and interval of a number over seeds; intervals are Student's t at 95 %."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """Mean, sample standard deviation and 95 % interval of the mean of runs; NaN where n is too small."""

    n: int
    mean: float
    std: float
    low: float
    high: float


def sample_of(
    values: Iterable[float], lowest: float = -math.inf, highest: float = math.inf, overlap: float = 0.0
) -> Sample:
    """Return mean, spread and interval of the values that are finite.

    The interval is cut where no value can lie, such as below 0 % error: the truth is never in what is cut
    off. `overlap` is that of the training sets of folds, see `estimate`.
    """
    finite = [value for value in values if math.isfinite(value)]
    mean = statistics.fmean(finite) if finite else math.nan
    if len(finite) < 2:
        return Sample(len(finite), mean, math.nan, math.nan, math.nan)
    std = statistics.stdev(finite)
    half = critical_value(len(finite) - 1) * std * math.sqrt(1 / len(finite) + overlap)
    return Sample(len(finite), mean, std, max(lowest, mean - half), min(highest, mean + half))


def variance_interval(squares: float, freedom: float) -> tuple[float, float]:
    """Return the 95 % interval of the variance of which a sum of squares is a sample, by the chi square.

    Args:
        squares: their sum, of normal values with one variance.
        freedom: its degrees of freedom, one or more.
    """
    low, high = (squares / _chi_square(freedom, tail) for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return low, high


@functools.lru_cache(maxsize=1000)
def _chi_square(freedom: float, tail: float) -> float:
    """Return what a chi square exceeds with a probability."""
    from scipy import special

    return float(special.chdtri(freedom, tail))


@functools.lru_cache(maxsize=1000)
def critical_value(freedom: float, tests: int = 1, alpha: float = 1 - LEVEL) -> float:
    """Return how many standard errors an interval, or one of several together, reaches to each side."""
    from scipy import special

    return float(special.stdtrit(freedom, 1 - alpha / 2 / tests))
