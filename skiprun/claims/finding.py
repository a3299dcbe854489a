"""What finished runs say of a claim: the numbers, the tests, and the words for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from skiprun.results.significance import Difference

Evidence = TypeVar("Evidence")


@dataclass(frozen=True)
class Finding(Generic[Evidence]):
    """What was found of one claim.

    Attributes:
        evidence: what was compared, in numbers; empty or None where there is nothing to judge by.
        sentences: the evidence in words, or what is missing to judge the claim.
        answer: whether the claim holds; None where that is open, or no question of yes and no.
        tests: the tests over seeds behind it.
        headline: a question and its answer in a few words, for the head of a page.
    """

    evidence: Evidence
    sentences: tuple[str, ...]
    answer: bool | None = None
    tests: tuple[Difference, ...] = ()
    headline: tuple[str, str] | None = None


def any_holds(answers: Iterable[bool | None]) -> bool | None:
    """Return True if one answer is, False if all are False, None if one is open or nothing was asked."""
    found = list(answers)
    return True if True in found else None if None in found or not found else False
