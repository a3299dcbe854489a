"""The crew of this machine: processes, each with its share of it; what they tell is passed on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import counted
from skiprun.experiment.crew import Call, ProgressFor, list_experiments
from skiprun.experiment.places import Places
from skiprun.experiment.process_pool import in_processes
from skiprun.experiment.shares import Share, shares_of_cores
from skiprun.experiment.survey import survey
from skiprun.experiment.work import Work
from skiprun.experiment.worker import call_of, train_work
from skiprun.system.machine import cores

log = logging.getLogger(__name__)


class Here:
    """Trains on this machine, each run in a process with its share of it.

    Two threads on one tiny network gain a quarter; two networks on two cores gain a whole one. A small
    network trains to the same bits as alone, with one thread. A run that is alone is trained in this process.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def look(self, configs: Sequence[RunConfig]) -> Places:
        """Return the cores and the GPUs of this machine; those only where several runs share them."""
        return survey(list_experiments(configs)) if len(configs) > 1 and self.jobs != 1 else Places(cores())

    def train(self, works: Sequence[Work], places: Places, runs: Path, progress_for: ProgressFor) -> None:
        """Train runs; see `Crew.train`."""
        shares = places.shares(works, self.jobs)
        if len(shares) > 1 or shares[0].place:
            log.info(summary(works, shares))
            in_parallel(works, runs, shares, progress_for)
            return
        for work in works:
            progresses = {label: progress_for(label) for label in work.configs}
            train_work(work.configs, runs, progresses, work.until)

    def call(self, calls: Sequence[Call], done: Callable[[int], None]) -> None:
        """Call functions in processes; see `Crew.call`."""
        in_processes(calls, shares_of_cores(cores(), min(self.jobs or len(cores()), len(calls))), done=done)


def summary(works: Sequence[Work], shares: Sequence[Share]) -> str:
    """Say how many runs there are, how many at a time, and on how many GPUs."""
    places = {share.place for share in shares if share.place}
    where = f", on {counted(len(places), 'GPU')}" if places else ""
    sizes = sorted((len(work.configs) for work in works), reverse=True)
    return f"Training {counted(sum(sizes), 'run')}, {sum(sizes[: len(shares)])} at a time{where}."


def in_parallel(
    works: Sequence[Work], runs: Path, shares: Sequence[Share], progress_for: ProgressFor
) -> None:
    """Train runs in processes, as many as there are shares, and pass on what they tell."""
    progresses = {label: progress_for(label) for work in works for label in work.configs}
    in_processes([call_of(work, runs) for work in works], shares, progresses)
