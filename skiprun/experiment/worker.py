"""A training process: its share of the machine, its log and its progress, which the parent listens to."""

from __future__ import annotations

import gc
import logging
import multiprocessing
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import torch

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import Diverged, OutOfMemory, SkiprunError, Stopped, with_type
from skiprun.experiment.shares import Share
from skiprun.experiment.side_by_side import train_side_by_side
from skiprun.experiment.train import train
from skiprun.experiment.work import Need, Work
from skiprun.experiment.worker_events import WorkerProgress, log_to
from skiprun.run import Run
from skiprun.system.processes import exit_with_parent
from skiprun.system.progress import Progress

log = logging.getLogger(__name__)


def enter(events: Queue[Any], shares: Queue[Share], level: int) -> None:
    """Prepare a training process: outside of training, signals are for the process that started it."""
    exit_with_parent()
    log_to(events, level)
    WorkerProgress.events, WorkerProgress.share = events, shares.get()
    WorkerProgress.share.enter()


def call_of(work: Work, runs: Path) -> Callable[[], SkiprunError | None]:
    """Return what trains a work, as it can be sent to another process."""
    plain = {label: config.to_dict() for label, config in work.configs.items()}
    return partial(train_here, plain, runs, work.need, work.until)


def train_here(
    plain: Mapping[str, dict[str, Any]], runs: Path, need: Need | None, until: float = 1.0
) -> SkiprunError | None:
    """Train the runs of a work in this process; return an error as one that can be passed between processes.

    Args:
        plain: their configs by label.
        runs: the folder of all runs.
        need: their memory on a GPU, if they have one.
        until: the share of each after which it pauses.
    """
    if WorkerProgress.stopped:  # the next run may be here already
        return None
    share = WorkerProgress.share
    place = share.place_of(need)
    title = " and ".join(plain) if len(plain) < 3 else f"{next(iter(plain))} and {len(plain) - 1} more"
    multiprocessing.current_process().name = f"{title} ({place})" if place else title
    if place:
        for label in plain:
            WorkerProgress.events.put((label, "located", place))
    failure = _train_and_pass_on(plain, runs, need, until)
    if share.gpu:  # for the next run, and for those beside
        gc.collect()
        torch.cuda.empty_cache()
    return failure


def _train_and_pass_on(
    plain: Mapping[str, dict[str, Any]], runs: Path, need: Need | None, until: float
) -> SkiprunError | None:
    """Train runs; return the error of the first that failed."""
    configs = {label: build_config(config) for label, config in plain.items()}
    try:
        train_work(configs, runs, {label: WorkerProgress(label) for label in configs}, until)
    except (Stopped, KeyboardInterrupt):
        WorkerProgress.stopped = True
    except SkiprunError as error:
        numbers = WorkerProgress.share.memory(need, len(configs)) if isinstance(error, OutOfMemory) else ""
        passed = SkiprunError(f"{multiprocessing.current_process().name}: {error}{numbers}")
        passed.exit_code = error.exit_code
        return passed
    return None


def train_work(
    configs: Mapping[str, RunConfig], runs: Path, progresses: Mapping[str, Progress], until: float = 1.0
) -> None:
    """Train one run, or seeds side by side; a divergence is logged, and stays in the run's status."""
    if len(configs) == 1:
        [(label, config)] = configs.items()
        try:
            train(config, runs=runs, progress=progresses[label], until=until)
        except Diverged as error:
            log.info(str(error))
        return
    found = train_side_by_side(configs, runs, progresses, until)
    if failure := failure_of(dict(zip(configs, found, strict=True))):
        raise failure


def failure_of(found: Mapping[str, Run | BaseException]) -> BaseException | None:
    """Say how each of some runs failed, and return what their work ends with; a divergence is a result.

    If a signal stopped some, that is it: no other work shall begin.
    """
    failures = [each for each in found.values() if not isinstance(each, Run | Diverged)]
    for label, each in found.items():
        if not isinstance(each, Run | Stopped):
            log.info(f"{label}: {each if isinstance(each, SkiprunError) else with_type(each)}")
    failure = next((each for each in failures if isinstance(each, Stopped)), next(iter(failures), None))
    if isinstance(failure, OutOfMemory):
        return OutOfMemory(f"{failure} {len(found)} runs were side by side; fewer --jobs take less.")
    return failure
