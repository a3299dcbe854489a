"""What a listing says of a run."""

from __future__ import annotations

from typing import TypedDict


class Numbers(TypedDict):
    """How far a run has got, and its validation and test score."""

    progress: str
    score: str | None
    val: object
    test: object


class RunRow(Numbers):
    """What a listing says of a run."""

    name: str
    path: str
    state: str
    message: str
    model: object
    dataset: object
    when: str | None
    tags: list[str]
