"""What a tracker must do, and runs written to one: a run that is there as it is now is left alone."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

from skiprun.errors import InputError
from skiprun.reports.trackers.tracked_run import TrackedRun, tracked
from skiprun.run import Run
from skiprun.system.progress import ProgressCallback

Done = Literal["written", "replaced", "there already"]


class Tracker(Protocol):
    """A program that keeps runs, open at one place and project.

    Attributes:
        place: where runs are written, for people.
        look: the command that shows them.
    """

    place: str
    look: str

    def digest_of(self, key: str) -> str | None:
        """Return the digest that a run was written with; '' if not to its end, None if it is not there."""

    def delete(self, key: str) -> None:
        """Delete a run that is there."""

    def write(self, run: TrackedRun) -> None:
        """Write a run that is not there, its digest last."""


Opens = Callable[[str, "Path | None"], Tracker]


def write_runs(runs: Sequence[Run], tracker: Tracker, progress: ProgressCallback) -> dict[str, Done]:
    """Write runs to a tracker, and return what was done with each, by name.

    Args:
        runs: finished or not.
        tracker: open.
        progress: told of (done, total, what).
    """
    done: dict[str, Done] = {}
    for number, run in enumerate(runs, 1):
        entry = tracked(run)
        done[entry.name] = write_run(entry, tracker)
        progress(number, len(runs), "runs")
    return done


def write_run(entry: TrackedRun, tracker: Tracker) -> Done:
    """Write a run, unless it is there as it is now; what is there of an earlier state is replaced."""
    there = tracker.digest_of(entry.key)
    if there == entry.digest:
        return "there already"
    if there is not None:
        tracker.delete(entry.key)
    tracker.write(entry)
    return "written" if there is None else "replaced"


def imported(package: str, name: str) -> ModuleType:
    """Import a tracker's package.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        extra = package.partition(".")[0]
        raise InputError(
            f"--to {extra} needs {name}; install it with `pip install 'skiprun[{extra}]'`."
        ) from None
