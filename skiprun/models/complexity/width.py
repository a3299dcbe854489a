"""The width at which a network has as many parameters, or multiply-adds, as another.

Both grow with the width, so bisection over the widths that a network takes ends at the two between which the
wanted number lies; no other comes nearer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass

from skiprun.config import ModelConfig
from skiprun.models.options import options_of
from skiprun.registry import MODELS

STEPS = 7  # a width that takes fractions is searched in steps of 2^-7 of it, to a power of two
REFUSED = 64  # so many widths one after the other that a network refuses are no matter of divisibility
Size = Callable[[int], float]


@dataclass(frozen=True)
class Width:
    """What all channels of a network grow with.

    Attributes:
        key: where a config says it, below `model`: `width`, or an option of the family as `options.widen`.
        value: that of the network as it is.
        step: between two that are tried: 1 where whole numbers are taken.
    """

    key: str
    value: float
    step: float


def width_of(config: ModelConfig) -> Width | None:
    """Return the width of a network; None where there is none, or its name has decided it."""
    entry = MODELS[config.name]
    option = entry.info.width
    hint = options_of(entry.target).get(option)
    if hint not in (int, float) or option in entry.info.fixed:
        return None
    given = config.options | config.model_dump(exclude_none=True)
    value = given.get(option, inspect.signature(entry.target).parameters[option].default)
    if not isinstance(value, int | float) or value <= 0:
        return None
    own = option in config.options or option not in ModelConfig.model_fields
    step = 1 if hint is int else 2.0 ** (math.floor(math.log2(value)) - STEPS)
    return Width(f"options.{option}" if own else option, value, step)


def with_width(config: ModelConfig, key: str, value: float) -> ModelConfig:
    """Return the config of a network with another width, which is not checked."""
    section, _, option = key.rpartition(".")
    change = {option: value}
    return config.model_copy(update={"options": config.options | change} if section else change)


def nearest(size: Size, start: int, target: float) -> int:
    """Return the width whose size is nearest to a target, counted in steps.

    Args:
        size: of the network by its width; it grows with it. NaN: the network refuses that width.
        start: a width that it takes.
        target: the size that is wanted.
    """
    found = [width for width in around(size, start, target) if width is not None]
    return min(found, key=lambda width: abs(size(width) - target))


def around(size: Size, start: int, target: float) -> tuple[int | None, int | None]:
    """Return the largest width of a size up to a target, and the smallest of a larger size; see `nearest`.

    None stands where the network takes no such width.
    """
    below, above, low, high = None, taken(size, start, start + 1), 1, start
    while above is not None and size(above) <= target:
        below, low, high = above, above + 1, 2 * above
        above = taken(size, high, 2 * high)
    while low < high:
        middle = (low + high) // 2
        width = taken(size, middle, high)
        if width is not None and size(width) <= target:
            below, low = width, width + 1
        else:
            above, high = width or above, middle
    return below, above


def taken(size: Size, first: int, end: int) -> int | None:
    """Return the first width of a range that a network takes; None if it refuses all, or a long row."""
    tried = range(first, min(end, first + REFUSED))
    return next((width for width in tried if not math.isnan(size(width))), None)
