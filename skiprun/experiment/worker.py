"""A training process: its share of the machine, its log and its progress, which the parent listens to."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import time
from logging.handlers import QueueHandler
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import torch

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import Diverged, OutOfMemory, SkiprunError, Stopped
from skiprun.experiment.places import Share
from skiprun.experiment.train import train
from skiprun.experiment.work import Need
from skiprun.system.logs import is_about_data
from skiprun.system.processes import exit_with_parent
from skiprun.system.progress import LocatedProgress, Progress, Record

log = logging.getLogger(__name__)


def listen(events: Queue[Any], progresses: dict[str, Progress]) -> None:
    """Pass log records and progress of the training processes on to this one's, until None comes."""
    while event := events.get():
        if isinstance(event, logging.LogRecord):
            logging.getLogger(event.name).handle(event)
        else:
            label, method, *values = event
            progress = progresses[label]
            if method != "located" or isinstance(progress, LocatedProgress):
                getattr(progress, method)(*values)


class WorkerProgress:
    """Progress of a run in another process."""

    events: Queue[Any]
    share: Share
    stopped = False

    def __init__(self, label: str) -> None:
        self.label, self.sent_at = label, 0.0

    def step(self, step: int, steps: int) -> None:
        """Send a step, a few times a second."""
        if time.monotonic() - self.sent_at > 0.2:
            self.sent_at = time.monotonic()
            self.events.put((self.label, "step", step, steps))

    def epoch(self, record: Record) -> None:
        """Send the record of an epoch."""
        self.events.put((self.label, "epoch", record))


def enter(events: Queue[Any], shares: Queue[Share], level: int) -> None:
    """Prepare a training process: outside of training, signals are for the process that started it."""
    exit_with_parent()
    handler = QueueHandler(events)
    handler.setFormatter(logging.Formatter("%(processName)s: %(message)s"))
    handler.addFilter(lambda record: not is_about_data(record))  # which the parent has opened, and logged
    logging.getLogger("skiprun").addHandler(handler)
    logging.getLogger("skiprun").setLevel(level)
    WorkerProgress.events, WorkerProgress.share = events, shares.get()
    WorkerProgress.share.enter()


def train_here(label: str, plain: dict[str, Any], runs: Path, need: Need | None) -> SkiprunError | None:
    """Train one run in this process; return its error as one that can be passed between processes."""
    if WorkerProgress.stopped:  # the next run may be here already
        return None
    share = WorkerProgress.share
    place = share.place if need else ""  # a run on the CPU may have a share with a GPU
    multiprocessing.current_process().name = f"{label} ({place})" if place else label
    if place:
        WorkerProgress.events.put((label, "located", place))
    failure = _failure(label, plain, runs, need)
    if share.gpu:  # for the next run, and for those beside
        gc.collect()
        torch.cuda.empty_cache()
    return failure


def _failure(label: str, plain: dict[str, Any], runs: Path, need: Need | None) -> SkiprunError | None:
    """Train one run; return its error."""
    try:
        train_one(build_config(plain), runs, WorkerProgress(label))
    except (Stopped, KeyboardInterrupt):
        WorkerProgress.stopped = True
    except SkiprunError as error:
        numbers = WorkerProgress.share.memory(need) if isinstance(error, OutOfMemory) else ""
        passed = SkiprunError(f"{label}: {error}{numbers}")
        passed.exit_code = error.exit_code
        return passed
    return None


def train_one(config: RunConfig, runs: Path, progress: Progress) -> None:
    """Train one run; a divergence is logged, and stays in the run's status."""
    try:
        train(config, runs=runs, progress=progress)
    except Diverged as error:
        log.info(str(error))
