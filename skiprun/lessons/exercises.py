"""The registry of exercises, by number, and the quantities that answers are measured in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from skiprun.claims.quantity import Quantity, Region, near
from skiprun.errors import InputError, did_you_mean

Measure = Callable[..., Sequence[Quantity]]

LESSONS = ("residual_block", "degradation", "gradient_flow", "projection", "unet_skips")
EXERCISES: dict[str, Measure] = {}


def exercise(number: str) -> Callable[[Measure], Measure]:
    """Register a function from an answer, and what it is about, to numbers.

    The first line of its docstring is the task, the rest the reason for what is expected.
    """

    def register(measure: Measure) -> Measure:
        EXERCISES[number] = measure
        return measure

    return register


def exactly(name: str, value: float, number: int) -> Quantity:
    """Return a number that must be a whole one."""
    return exact(name, value, near(number, 0.5))


def exact(name: str, value: float, expected: Region) -> Quantity:
    """Return a number that no seed changes."""
    return by_seed(name, {0: float(value)}, expected)


def by_seed(name: str, values: dict[int, float], expected: Region) -> Quantity:
    """Return a number of each seed, all of which must lie in a region."""
    return Quantity(name, expected, values, "exact")


def find_exercise(number: str) -> Measure:
    """Return the function that measures an answer; raise InputError with those that there are."""
    for lesson in LESSONS:
        importlib.import_module(f"skiprun.lessons.{lesson}")
    if number not in EXERCISES:
        raise InputError(
            f"There is no exercise '{number}'.{did_you_mean(number, EXERCISES)} "
            f"There are {', '.join(EXERCISES)}."
        )
    return EXERCISES[number]
