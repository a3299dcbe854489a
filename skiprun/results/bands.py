"""A band over seeds: the middle, lowest and highest value at each place."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skiprun.results.history import Series


@dataclass(frozen=True)
class Band:
    """Middle, smallest and largest value over seeds at each place."""

    places: list[float]
    middle: list[float]
    low: list[float]
    high: list[float]


def band(series: Sequence[Series], middle: Callable[[Sequence[float]], float] = statistics.fmean) -> Band:
    """Lay the series of all seeds over each other."""
    places = sorted({place for each in series for place in each})
    values = [[each[place] for each in series if place in each] for place in places]
    return Band(places, [middle(v) for v in values], [min(v) for v in values], [max(v) for v in values])
