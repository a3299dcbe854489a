"""Settings that are drawn at random.

A draw is a function of the seed, its number and the key: more settings go on from fewer, and a key that is
added leaves the draws of the others as they were.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from skiprun.config.sweep import Distribution, RandomSearch

TRIES = 100  # for each setting that is asked for, until one is new


def draw_settings(search: RandomSearch) -> Iterator[dict[str, object]]:
    """Yield settings that are drawn, no two alike; fewer than asked for where there are no more."""
    known: set[str] = set()
    for number in range(TRIES * search.number):
        drawn = {
            key: draw_one(each, random.Random(f"{search.seed}/{number}/{key}").random())
            for key, each in search.over.items()
        }
        if (written := json.dumps(drawn)) not in known:
            known.add(written)
            yield drawn
        if len(known) == search.number:
            return


def draw_one(distribution: Distribution, share: float) -> object:
    """Return a value at a share, from 0 to below 1, of a distribution; of numbers four digits."""
    if distribution.values:
        return distribution.values[int(share * len(distribution.values))]
    if distribution.uniform:
        low, high = distribution.uniform
        return rounded(low + share * (high - low), low, high)
    low, high = distribution.log_uniform or (1, 1)
    return rounded(low * (high / low) ** share, low, high)


def rounded(value: float, low: float, high: float) -> float:
    """Return a number with four digits, within its bounds."""
    return min(high, max(low, float(f"{value:.4g}")))
