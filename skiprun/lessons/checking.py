"""Check answers to exercises by numbers, with the quantities and regions that claims are judged by."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

import numpy as np
import torch

from skiprun.claims.quantity import Quantity, Region, decide
from skiprun.errors import first_line, with_type
from skiprun.lessons.exercises import Measure, find_exercise
from skiprun.system.arguments import fits, type_in_words

Verdict = Literal["PASS", "FAIL", "OPEN"]


@dataclass(frozen=True)
class Checked:
    """What was found of an answer.

    Attributes:
        exercise: its number, such as 1.2.
        verdict: PASS, FAIL, or OPEN where nothing was answered yet.
        found: each number, where it was expected, and what that means; or what is wrong with the answer.
        why: the reason for what is expected.
    """

    exercise: str
    verdict: Verdict
    found: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        reason = [f"Why: {self.why}"] if self.why else []
        return "\n  ".join([f"{self.exercise} {self.verdict}", *self.found, *reason])


def check(exercise: str, answer: object, evidence: object = None) -> None:
    """Print what is found of the answer to an exercise.

    Args:
        exercise: its number, such as "1.2".
        answer: a number, a function, a class: what the exercise asks for.
        evidence: what was measured, where the exercise is about that.
    """
    print(check_answer(exercise, answer, evidence))


def check_answer(exercise: str, answer: object, evidence: object = None) -> Checked:
    """Return what is found of the answer to an exercise, see `check`.

    Raises:
        InputError: there is no such exercise.
    """
    measure = find_exercise(exercise)
    if answer is ...:
        return Checked(exercise, "OPEN", ("Nothing is answered yet: put something in the place of `...`.",))
    if isinstance(answer, torch.Tensor | np.generic) and answer.ndim == 0:
        answer = answer.item()
    hint = get_type_hints(measure)["answer"]
    if not fits(answer, hint):
        return Checked(
            exercise, "FAIL", (f"The answer is {answer!r:.60}; it must be {type_in_words(hint)}.",)
        )
    _, *about = inspect.signature(measure).parameters
    if about and evidence is None:
        call = f'check("{exercise}", answer, {about[0]})'
        return Checked(exercise, "FAIL", (f"Give what was measured too: {call}.",))
    given = (answer, evidence) if about else (answer,)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return _judged(exercise, measure, given)


def _judged(exercise: str, measure: Measure, given: Sequence[Any]) -> Checked:
    """Measure and judge; what an answer raises is an answer that fails."""
    _, _, reason = (measure.__doc__ or "").partition("\n\n")
    why = " ".join(reason.split())
    try:
        quantities = tuple(measure(*given))
    except NotImplementedError:
        return Checked(exercise, "OPEN", ("Nothing is answered yet: write the lines that are missing.",))
    except Exception as error:
        return Checked(exercise, "FAIL", (f"It cannot be measured: {first_line(with_type(error))}",), why)
    seeds = max(len(each.values) for each in quantities)
    verdict: Verdict = "PASS" if decide(quantities, seeds) == "PASS" else "FAIL"
    return Checked(exercise, verdict, tuple(_judged_quantity(each, seeds) for each in quantities), why)


def _judged_quantity(quantity: Quantity, seeds: int) -> str:
    """Say a number and where it was expected; the ends too where seeds differ."""
    low, high = quantity.interval()
    spread = f" ({_short(low)} to {_short(high)})" if -math.inf < low < high else ""
    verdict = "PASS" if quantity.verdict(seeds) == "PASS" else "FAIL"
    expected = _expected(quantity.expected)
    return f"{quantity.name}: {_short(quantity.value)}{spread}, expected {expected}: {verdict}"


def _expected(region: Region) -> str:
    """Say where a region lies; one that is 1 wide holds a whole number."""
    if math.isinf(region.low) or math.isinf(region.high):
        return f"below {region.high:g}" if math.isinf(region.low) else f"above {region.low:g}"
    middle, half = (region.low + region.high) / 2, (region.high - region.low) / 2
    return _short(middle) if half == 0.5 else f"{middle:.4g} +- {half:.2g}"


def _short(value: float) -> str:
    """Return a whole number to the last digit, any other with four."""
    return f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
