"""What the document of a reproduced claim holds."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from skiprun.claims.quantity import Verdict
from skiprun.infos import Budget


class FoundQuantity(TypedDict):
    """A quantity in a document."""

    name: str
    value: float | None
    interval: list[float | None]
    expected: dict[str, float | None]
    expected_in_words: str
    verdict: Verdict
    detectable: float | None
    values: dict[str, float | None]


class FoundOutcome(TypedDict):
    """What one measurement says, in a document."""

    verdict: Verdict
    seeds: int
    quantities: list[FoundQuantity]
    sentences: list[str]
    lost: list[str]


class ReproducedClaim(TypedDict):
    """What the document of a claim holds."""

    claim: str
    statement: str
    paper: str
    published: str
    budget: Budget
    control_is: str
    foreseen: Verdict
    broken: bool
    outcome: FoundOutcome
    control: FoundOutcome
    judged: NotRequired[dict[str, object]]
