"""How much variance of a score each source of randomness gives alone, and how much all give together.

For each seed there is a run y, and for each source k a run y_k that differs from it in the seed of that
source alone. Half the mean square of their differences is the variance that the source gives while all others
are held, averaged over what they are held at:

    V_k = E[Var(y | all sources but k)] = E[(y - y_k)^2] / 2

This is the total effect of Sobol', by the estimator of Jansen (1999); Bouthillier et al. (2021, arXiv
2103.03098) hold the other sources at one value, whose luck is then part of every number. The sum of n squares
is a chi square of n degrees of freedom, for normal scores.

From seed to seed everything varies, in the runs y as in every set y_k. So the variance V of all sources
together is the mean of the sample variances of these sets, which are correlated, with the degrees of freedom
of Satterthwaite (1946).

What is left, V - sum of V_k, is 0 where sources add up. Where they interact it is negative: the spread that
two sources have from each other is in the part of both.
"""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from skiprun.results.statistics import variance_interval


@dataclass(frozen=True)
class Component:
    """A variance with its 95 % interval, in squares of the score's unit; NaN where nothing can be said.

    Attributes:
        n: seeds.
        freedom: degrees of freedom.
    """

    n: int
    freedom: float
    variance: float
    low: float
    high: float

    @property
    def std(self) -> Interval:
        """The standard deviation, in the score's unit."""
        return Interval(*map(math.sqrt, (self.variance, self.low, self.high)))


class Interval(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class VarianceComponents:
    """What the runs of a score say.

    Attributes:
        total: of all sources together.
        alone: by source, while the others are held.
        interaction: the total less the sum of the parts; None where parts are missing.
        differences: by source and seed, what another seed of that source changed.
    """

    total: Component
    alone: dict[str, Component]
    interaction: Interval | None
    differences: dict[str, dict[int, float]]


def split_variance(
    runs: Mapping[int, float], varied: Mapping[str, Mapping[int, float]], complete: bool = True
) -> VarianceComponents:
    """Estimate the variance of each source and of all together.

    Args:
        runs: the score by seed.
        varied: by source, the score by the seed of the run from which it differs in that source alone.
        complete: whether these are all sources that decide anything.
    """
    differences = {
        source: {seed: scores[seed] - runs[seed] for seed in sorted(scores.keys() & runs.keys())}
        for source, scores in varied.items()
    }
    alone = {
        source: _component(sum(each**2 for each in found.values()) / 2, len(found), len(found))
        for source, found in differences.items()
    }
    total = _total([scores for scores in (runs, *varied.values()) if scores])
    left = _interaction(total, list(alone.values())) if complete else None
    return VarianceComponents(total, alone, left, differences)


def _total(sets: Sequence[Mapping[int, float]]) -> Component:
    """Return the variance from seed to seed, of sets of runs, by the seeds that all of them have."""
    seeds = sorted(set.intersection(*({*scores} for scores in sets))) if sets else []
    if len(seeds) < 2:
        return _component(0.0, 0, len(seeds))
    means = [statistics.fmean(scores[seed] for seed in seeds) for scores in sets]
    centred = [[scores[seed] - mean for seed in seeds] for scores, mean in zip(sets, means, strict=True)]
    products = [[sum(map(operator.mul, one, other)) for other in centred] for one in centred]
    whole = sum(products[k][k] for k in range(len(sets)))
    shared = sum(each**2 for row in products for each in row)
    freedom = (len(seeds) - 1) * max(1.0, whole**2 / shared if shared else 1.0)
    variance = whole / len(sets) / (len(seeds) - 1)
    return _component(variance * freedom, freedom, len(seeds))


def _component(squares: float, freedom: float, n: int) -> Component:
    """Return the variance that a sum of squares estimates."""
    if freedom < 1:
        return Component(n, 0, math.nan, math.nan, math.nan)
    low, high = variance_interval(squares, freedom)
    # Scores that are all alike say that the variance is small, not how small.
    return Component(n, freedom, squares / freedom, low, high if squares else math.nan)


def _interaction(total: Component, parts: Sequence[Component]) -> Interval:
    """Return the total less the sum of the parts.

    The interval is MOVER's (Zou and Donner 2008) for independent estimates. Ours share runs, which correlates
    the total with the parts and so makes it wider than it needs to be: it covers 95 % and more.
    """
    value = total.variance - sum(part.variance for part in parts)
    below = [total.variance - total.low, *(part.high - part.variance for part in parts)]
    above = [total.high - total.variance, *(part.variance - part.low for part in parts)]
    return Interval(value, value - math.hypot(*below), value + math.hypot(*above))
