"""The contract of who trains: the processes of this machine, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from skiprun.config import RunConfig
from skiprun.errors import SkiprunError
from skiprun.experiment.places import Places
from skiprun.experiment.work import Work
from skiprun.system.progress import Progress

ProgressFor = Callable[[str], Progress]
Call = Callable[[], SkiprunError | None]  # returns why it failed, or None; it can be sent to a process


class Crew(Protocol):
    """Who trains runs and makes studies, some at a time."""

    def look(self, configs: Sequence[RunConfig]) -> Places:
        """Return where runs can be trained; nothing begins."""

    def train(self, works: Sequence[Work], places: Places, runs: Path, progress_for: ProgressFor) -> None:
        """Train runs to their ends and pass on what they tell; one that diverges is a result.

        Args:
            works: at least one, in the order in which they begin.
            places: where, as `look` found them.
            runs: the folder of all runs.
            progress_for: gives somebody to tell of the steps and epochs of a run, by its label.

        Raises:
            Stopped: a signal asked; every run has saved.
            SkiprunError: of the first run that failed, after all others ended.
        """

    def call(self, calls: Sequence[Call], done: Callable[[int], None]) -> None:
        """Call functions, each on one core; `done` is told how many have ended, now and then.

        Raises:
            Stopped: a signal asked.
            SkiprunError: of the first call that failed, after all others ended.
        """


def list_experiments(configs: Iterable[RunConfig]) -> list[RunConfig]:
    """Return one config of each name: its seeds need the same of a machine."""
    return list({config.name: config for config in configs}.values())
