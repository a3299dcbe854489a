"""How much of the spread of an error over seeds is the test set's, after Jordan (2023, arXiv 2304.01910).

A network that is trained again is wrong on other images of the test set. If images went wrong independently,
each with a probability of its own, that alone would spread the error. What is left over is how far networks
differ on the distribution that the images are from: on new images, a seed keeps no more than that.

    variance over the distribution = n / (n - 1) (variance of the error - n^-2 sum of e (1 - e))

with n images, each wrong with probability e. Both variances are estimated without bias from the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiprun.results.statistics import variance_interval

if TYPE_CHECKING:
    import numpy as np

FEWEST_SEEDS = 3  # of two, the interval says nothing


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the test error over seeds, in points.

    Attributes:
        seeds, images: how many.
        total: as seen.
        by_images: what independent errors on these images give.
        by_networks: over the distribution; 0 where the total is no larger than that by images.
        low, high: its 95 % interval, for errors that are normal over seeds.
    """

    seeds: int
    images: int
    total: float
    by_images: float
    by_networks: float
    low: float
    high: float


def split_spread(wrong: Sequence[np.ndarray]) -> Spread:
    """Split the spread of an error over seeds.

    Args:
        wrong: of each seed, 1 for an image that is wrong and 0 for one that is right, [N].
    """
    import numpy as np

    table = np.stack(wrong)
    seeds, images = table.shape
    total = float(table.mean(1).var(ddof=1))
    by_images = float(table.var(0, ddof=1).sum()) / images**2
    possible = [total, *variance_interval((seeds - 1) * total, seeds - 1)]
    networks = (images / max(1, images - 1) * (each - by_images) for each in possible)
    return Spread(seeds, images, *(100 * math.sqrt(max(0.0, each)) for each in (total, by_images, *networks)))


def excess_by_seed(wrong: Sequence[np.ndarray]) -> list[float]:
    """Return how many times the spread over seeds is that of independent errors, a number a seed.

    Their geometric mean is the ratio, and the interval of their logarithms that of its logarithm: they are
    Tukey's pseudo-values (Miller 1968, "Jackknifing variances").

    Args:
        wrong: as for `split_spread`.

    Returns:
        NaN for each seed, where seeds are too few, or one of the two spreads is none at all.
    """
    if len(wrong) < FEWEST_SEEDS:
        return [math.nan] * len(wrong)
    left_out = [[*wrong[:seed], *wrong[seed + 1 :]] for seed in range(len(wrong))]
    every, *without = (_log_excess(split_spread(each)) for each in (wrong, *left_out))
    return [math.exp(len(wrong) * every - (len(wrong) - 1) * each) for each in without]


def _log_excess(spread: Spread) -> float:
    """Return the logarithm of what is seen over what independent errors give."""
    known = spread.total > 0 and spread.by_images > 0
    return math.log(spread.total / spread.by_images) if known else math.nan
