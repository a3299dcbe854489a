"""Looks at a comparison while seeds are added: a boundary that keeps the level over all of them.

Who tests after every seed and stops at the first p below .05 calls equal networks different in 17 % of
comparisons of 3 to 10 seeds. Here a look at n of at most N seeds has (n / N)^2 of the level of the last one,
by Student's t (group-sequential t tests: Jennison and Turnbull 1991), so it is strict while seeds are few,
as where a power of n is spent (Kim and DeMets 1987); all looks together have 5 %. The p value of a look is
the probability that equal networks come as far beyond this shape at any look up to N, so it holds whenever
one stops, and for whatever reason.

Of n paired differences, normal and without a mean, r = sum / sqrt(n * sum of squares) is a Markov chain whose
steps are known exactly, and t = r sqrt(n - 1) / sqrt(1 - r^2). Its distribution over the looks is followed on
a grid; no draw is needed.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from skiprun.results.statistics import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_LOOK = 3
SHAPE = 2
CELLS = 100


class InterimLook(NamedTuple):
    """A look at a comparison: after so many seeds, of at most so many."""

    seeds: int
    most: int

    @property
    def planned(self) -> int:
        """How many looks there are, if none of them decides."""
        return looks(self.most)


def looks(most: int) -> int:
    """Return how many looks there are with at most so many seeds."""
    return most - FIRST_LOOK + 1


def p_of_look(p: float, seeds: int, most: int) -> float:
    """Return the p value of a look with so many seeds that counts all looks.

    A one-sided one is half of that of twice its p, since hardly anybody crosses the boundary on both sides.

    Args:
        p: two-sided, of Student's t, as if this were the only look.
        seeds: those that are tested; one that is lost to a network does not count.
        most: seeds at the last look.
    """
    return _crossed(p / _weight(seeds, most), most)


@functools.lru_cache(maxsize=1000)
def level_of_look(seeds: int, most: int) -> float:
    """Return the level of a two-sided t test at one look, such that all have 5 % together."""
    return _weight(seeds, most) * _level_of_last(most)


def _weight(seeds: int, most: int) -> float:
    return float((seeds / most) ** SHAPE)


@functools.lru_cache(maxsize=100)
def _level_of_last(most: int) -> float:
    level = (1 - LEVEL) / 2
    for _ in range(8):  # the probability is nearly in proportion to it
        level *= (1 - LEVEL) / _crossed(level, most)
    return level


@functools.lru_cache(maxsize=1000)
def _crossed(last: float, most: int) -> float:
    """Return how probable it is to be beyond a boundary at any look, without a difference.

    Args:
        last: level of the last look, to which the others are in proportion.
        most: seeds at the last look.
    """
    import numpy as np

    edges = np.linspace(0, _angle(FIRST_LOOK, last * _weight(FIRST_LOOK, most)), CELLS + 1)
    mass = np.diff(np.sin(edges))  # of three differences, |r| is uniform
    for n in range(FIRST_LOOK, most):
        middles = (edges[1:] + edges[:-1]) / 2
        edges = np.linspace(0, _angle(n + 1, last * _weight(n + 1, most)), CELLS + 1)
        mass = np.diff(mass @ _reached(n, np.sin(middles), np.sin(edges)))
    return float(1 - mass.sum())


def _angle(n: int, level: float) -> float:
    """Return the arc sine of the |r| of n differences whose t test has this p value."""
    from scipy import special

    return math.atan(-special.stdtrit(n - 1, min(1.0, max(level, 1e-30)) / 2) / math.sqrt(n - 1))


def _reached(n: int, now: NDArray, edges: NDArray) -> NDArray:
    """Return [now, edge]: how probable |r| of n + 1 differences is to be below an edge, given r of n.

    The next difference, over the root of the sum of squares so far, is tan(a) with a density of Student's t
    in sqrt(n) tan(a), and r becomes height * cos(a - top).
    """
    import numpy as np
    from scipy import special

    top = np.arctan2(1, math.sqrt(n) * now)[:, None]
    height = np.sqrt((n * now**2 + 1) / (n + 1))[:, None]

    def up_to(angle: NDArray) -> NDArray:
        return special.stdtr(n, math.sqrt(n) * np.tan(np.clip(angle, -math.pi / 2, math.pi / 2)))

    def above(edge: NDArray) -> NDArray:
        reach = np.arccos(np.clip(edge / height, -1, 1))
        return up_to(top + reach) - up_to(top - reach)

    return above(-edges) - above(edges)
