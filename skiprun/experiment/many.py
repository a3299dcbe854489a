"""Train several runs in parallel, each in a process with its share of the cores, and of the GPUs.

Two threads on one tiny network gain a quarter; two networks on two cores gain a whole one. Each run is a
process of its own that keeps to its share of the cores; a small network trains to the same bits as alone,
with one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from skiprun.config import Count, RunConfig
from skiprun.errors import counted
from skiprun.experiment.parallel import ProgressFor, in_parallel
from skiprun.experiment.places import GPU, Share, runs_side_by_side, shares_of_cores, shares_of_gpus
from skiprun.experiment.planned import Planned
from skiprun.experiment.side_by_side import combine
from skiprun.experiment.survey import survey
from skiprun.experiment.work import Work, list_work
from skiprun.experiment.worker import train_work
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.machine import cores
from skiprun.system.progress import NullProgress, ProgressCallback
from skiprun.training.device import SMALL_STEP, choose_device

log = logging.getLogger(__name__)


@checked_arguments
def train_missing(
    planned: Sequence[Planned],
    runs: Path | str,
    progress_for: ProgressFor = lambda _: NullProgress(),
    loading: ProgressCallback | None = None,
    jobs: Count | None = None,
) -> list[Run]:
    """Train what is not there yet, and return all runs in order; one that diverges is a result, not an error.

    Args:
        planned: what the comparison consists of.
        runs: the folder of all runs.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.
        jobs: runs at once, the GPUs taking turns as far as their memory goes; None: one a GPU, up to 4 where
            NVIDIA's Multi-Process Service runs, and on a CPU what `num_workers` says.
    """
    runs = Path(runs)
    for item in planned:
        item.refuse_what_is_not_ours()
    missing = {item.label: item.config for item in planned if item.config and item.missing}
    several = len(missing) > 1 and jobs != 1
    gpus, choose = survey(list_experiments(missing.values())) if several else ([], choose_device)
    untils = {item.label: item.until for item in planned}
    works = [replace(work, until=untils[work.label]) for work in list_work(missing, runs, choose, loading)]
    works = combine(works, gpus, jobs)
    shares = divide(works, gpus, jobs) if several else []
    if len(shares) > 1 or any(share.place for share in shares):
        places = {share.place for share in shares if share.place}
        where = f", on {counted(len(places), 'GPU')}" if places else ""
        at_once = sum(sorted((len(work.configs) for work in works), reverse=True)[: len(shares)])
        log.info(f"Training {counted(len(missing), 'run')}, {at_once} at a time{where}.")
        # The largest first, so that no core waits for the last one alone.
        in_parallel(sorted(works, key=lambda work: -work.macs), runs, shares, progress_for)
    else:
        for work in works:
            progresses = {label: progress_for(label) for label in work.configs}
            train_work(work.configs, runs, progresses, work.until)
    return [item.run for item in planned]


def list_experiments(configs: Iterable[RunConfig]) -> list[RunConfig]:
    """Return one config of each name: its seeds need the same of a machine."""
    return list({config.name: config for config in configs}.values())


def divide(works: Sequence[Work], gpus: Sequence[GPU], jobs: int | None) -> list[Share]:
    """Return the shares of this machine in which to train; see `train_missing` for the jobs."""
    if gpus and any(work.need for work in works):
        side_by_side = max(len(work.configs) for work in works)
        jobs = jobs and max(1, jobs // side_by_side)
        return shares_of_gpus(gpus, cores(), works, jobs, runs_side_by_side())
    small = max(work.macs for work in works) < SMALL_STEP
    jobs = jobs or num_workers([work.config for work in works], small)
    return shares_of_cores(cores(), min(jobs, len(works)))


def num_workers(configs: Collection[RunConfig], small: bool) -> int:
    """Return how many runs to train at once on a CPU: one a core, or as their threads allow.

    Small ones that fill less than two rounds all begin at once, and the system gives each its turn: three
    runs on two cores take 1.5 times as long as one, where the third alone would make it twice.
    """
    threads = max(config.compute.threads or 1 for config in configs)
    jobs = max(1, len(cores()) // threads)
    return len(configs) if small and threads == 1 < jobs and len(configs) < 2 * jobs else jobs
