"""What a number of seeds can see: the smallest difference that a test finds, and the seeds that it takes.

Seeds cost, so a comparison says beside each difference that it could not tell from noise how large one would
have been found, and how many seeds would find the one that was seen, if it stays as it is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from skiprun.results.statistics import LEVEL, critical_value

POWER = 0.8
MOST_SEEDS = 1000


@functools.lru_cache(maxsize=10_000)
def detectable_errors(freedom: float, tests: int = 1, alpha: float = 1 - LEVEL) -> float:
    """Return how many standard errors a difference must have to be found with 80 % power.

    Args:
        freedom: degrees of freedom of the t test.
        tests: how many differences are tested together.
        alpha: level of all of them.
    """
    from scipy import special

    return float(special.nctdtrinc(freedom, 1 - POWER, critical_value(freedom, tests, alpha)))


def seeds_to_find(
    mean: float,
    n: int,
    error: float,
    freedom: float,
    tests: int = 1,
    alpha: float = 1 - LEVEL,
    overlap: float = 0.0,
) -> int | None:
    """Return with how many seeds a difference is found with 80 % power, None if 1,000 are too few.

    Args:
        mean: the difference.
        n: seeds that it was seen with.
        error: its standard error with these.
        freedom: degrees of freedom of that.
        tests: how many differences are tested together.
        alpha: level of all of them.
        overlap: of the training sets of folds, which more of them do not lessen; see `estimate`.
    """

    def is_found(seeds: int) -> bool:
        errors = detectable_errors(freedom * (seeds - 1) / (n - 1), tests, alpha)
        return errors * error * math.sqrt((1 / seeds + overlap) / (1 / n + overlap)) <= abs(mean)

    return fewest_seeds(is_found)


def fewest_seeds(is_found: Callable[[int], bool]) -> int | None:
    """Return with how many seeds, two or more, something is found; None if 1,000 are too few.

    Args:
        is_found: tells whether so many find it; more seeds always find more.
    """
    if not is_found(MOST_SEEDS):
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_found(middle) else (middle, high)
    return high
