"""The contract of progress displays: steps and epochs of a run, and how far any other work is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

Record = dict[str, float]  # of metrics.jsonl: numbers by tag, with step and epoch

# Told of (done, total, what): images decoded, bytes fetched, networks counted.
ProgressCallback = Callable[[int, int, str], None]


@runtime_checkable
class Progress(Protocol):
    """Told of the steps and epochs of a run."""

    def step(self, step: int, steps: int) -> None:
        """A step is done, of so many."""

    def epoch(self, record: Record) -> None:
        """An epoch is done; its record is that of metrics.jsonl."""


@runtime_checkable
class LocatedProgress(Progress, Protocol):
    """Told as well where a run is trained, if there are several places."""

    def located(self, place: str) -> None:
        """The run begins at a place, such as GPU 3."""


class NullProgress:
    """Progress that ignores every event."""

    def step(self, step: int, steps: int) -> None:
        """Say nothing."""

    def epoch(self, record: Record) -> None:
        """Say nothing."""
