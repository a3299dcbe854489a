"""A difference of means with its standard error: of runs paired by seed, or as Welch (1947) has it.

Runs of one cross-validation are trained on sets that overlap, so their scores depend on each other, and the
mean varies more than that of n independent ones: (1/n + n_test/n_train) s^2, not s^2/n (Nadeau and Bengio
2003; of repeated folds, Bouckaert and Frank 2004). That share is the `overlap` here and elsewhere, 0 for runs
that are no folds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Estimate(NamedTuple):
    """A difference of means, the spread that scales its effect, its standard error and degrees of freedom."""

    mean: float
    spread: float
    error: float
    freedom: float

    @property
    def p(self) -> float:
        """The two-sided p value of Student's t; scipy.stats has the same at a hundred times the price."""
        from scipy import special

        return float(2 * special.stdtr(self.freedom, -abs(self.mean) / self.error))


def paired(differences: Sequence[float], overlap: float = 0.0) -> Estimate:
    """Return the mean of differences, each of two runs of one seed."""
    n, spread = len(differences), math.sqrt(_variance(differences))
    return Estimate(statistics.fmean(differences), spread, spread * math.sqrt(1 / n + overlap), n - 1)


def welch(one: Sequence[float], other: Sequence[float], overlap: float = 0.0) -> Estimate:
    """Return the difference of the means of runs that are not paired; the freedom is Satterthwaite's."""
    variances = _variance(one), _variance(other)
    parts = [
        variance * (1 / len(values) + overlap)
        for variance, values in zip(variances, (one, other), strict=True)
    ]
    weights = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (one, other), strict=True))
    freedom = sum(parts) ** 2 / weights if weights else math.nan
    mean = statistics.fmean(one) - statistics.fmean(other)
    return Estimate(mean, math.sqrt(sum(variances) / 2), math.sqrt(sum(parts)), freedom)


def _variance(values: Sequence[float]) -> float:
    """Return the sample variance; the statistics module's is exact, and too slow for many pairs of runs."""
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
