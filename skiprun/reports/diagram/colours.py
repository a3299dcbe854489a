"""Colours of layers by a measured value: the house's sequential palette on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from skiprun.palette import sequential_colour

UNITS = {1e9: " G", 1e6: " M", 1e3: " k"}
STEPS = (1, 2, 5, 10)
APART = 0.25  # of the scale, between two numbers below it


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale between two values above 0."""

    low: float
    high: float

    def colour(self, value: float | None) -> str | None:
        """Return the colour of a value, as #rrggbb; None where a logarithm cannot show it."""
        return sequential_colour(self.share(value)) if value is not None and _is_shown(value) else None

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    @property
    def ticks(self) -> list[float]:
        """Both ends, and the decades between that leave room for their numbers."""
        found = [self.low]
        for power in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1):
            share = self.share(10.0**power)
            if share - self.share(found[-1]) > APART and share < 1 - APART:
                found.append(10.0**power)
        return [*found, self.high]


def scale_of(values: Iterable[float | None]) -> Scale:
    """Return a scale from and to 1, 2 or 5 times a power of ten around values, over a decade at least.

    One for several networks makes their colours comparable; over less, noise would look like a trend.
    """
    shown = [value for value in values if value is not None and _is_shown(value)] or [1.0]
    low, high = _step(min(shown), up=False), _step(max(shown), up=True)
    return Scale(low, max(high, 10 * low))


def _is_shown(value: float) -> bool:
    return value > 0 and math.isfinite(value)


def _step(value: float, up: bool) -> float:
    """Return the nearest 1, 2 or 5 times a power of ten that is not below a value, or not above it."""
    power = 10.0 ** math.floor(math.log10(value))
    steps = [step * power for step in STEPS]
    return next(step for step in steps if step >= value) if up else max(s for s in steps if s <= value)


def tick_text(tick: float) -> str:
    """Return a number as a legend says it: 0.02, 100, 10 k, 1 M."""
    unit = next((size for size in UNITS if tick >= size), 1.0)
    return f"{tick / unit:g}{UNITS.get(unit, '')}"


@dataclass(frozen=True)
class Measure:
    """What layers are coloured by.

    Attributes:
        name: what it is, in words.
        unit: of the values.
        values: of each layer, by module path; None is not a number.
    """

    name: str
    unit: str
    values: Mapping[str, float | None]
