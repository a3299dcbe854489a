"""What a worker of the cluster does: a call, with its share of the machine, heard by who asked for it."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skiprun.errors import SkiprunError
from skiprun.experiment.crew import Call
from skiprun.experiment.gpus import GPU
from skiprun.experiment.shares import Share
from skiprun.experiment.worker_events import WorkerProgress, log_to
from skiprun.run import Run
from skiprun.system.machine import leave_imports_alone
from skiprun.system.own_cores import own_cores
from skiprun.training.gpu import VISIBLE_GPUS

# Seconds until a lost worker's locks are free: the kernel's at once, those of a network disk after its lease.
PATIENCE = 120.0


@dataclass(frozen=True)
class Errand:
    """What is asked of a worker.

    Attributes:
        call: to be done.
        labels: of the runs that it trains.
        runs: their directories.
        cores: how many it takes.
        gpu_share: of a GPU.
        gpu: the memory that one has.
    """

    call: Call
    labels: Sequence[str] = ()
    runs: Sequence[Path] = ()
    cores: int = 1
    gpu_share: float = 0.0
    gpu: GPU | None = None


class Events:
    """The queue of who asked, for runs that go on where it is lost or nobody listens any more."""

    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def put(self, event: object) -> None:
        """Send something."""
        from ray.exceptions import RayError

        with contextlib.suppress(RayError):
            self.queue.put(event)

    put_nowait = put  # what a handler of log records calls


def do(errand: Errand, queue: Any, folder: str, level: int) -> SkiprunError | None:
    """Do an errand in this worker, which may have done others.

    Args:
        errand: what is asked.
        queue: where to tell what happens.
        folder: from which relative paths lead.
        level: of log records.
    """
    events = Events(queue)
    leave_imports_alone()
    with contextlib.suppress(OSError):  # another machine may not have it
        os.chdir(folder)
    wait_until_free(errand.runs)
    handler = log_to(events, level)
    try:
        with own_cores(errand.cores) as cores:
            WorkerProgress.events, WorkerProgress.stopped = events, False
            WorkerProgress.share = share_of(errand, cores)
            WorkerProgress.share.enter()
            return errand.call()
    finally:
        logging.getLogger("skiprun").removeHandler(handler)


def share_of(errand: Errand, cores: Sequence[int]) -> Share:
    """Return what this worker has of its machine."""
    import ray

    gpu = errand.gpu and replace(errand.gpu, entry=os.environ.get(VISIBLE_GPUS, ""))
    where = f"{ray.util.get_node_ip_address()} worker {os.getpid()}"
    place = f"{where}, {gpu.title}" if gpu else where
    return Share(cores, gpu, round(1 / errand.gpu_share) if errand.gpu_share else 1, place)


def wait_until_free(runs: Sequence[Path]) -> None:
    """Wait until no other worker has these runs: one that was lost with its node may still be ending."""
    until = time.monotonic() + PATIENCE
    while any(Run(path).is_locked() for path in runs) and time.monotonic() < until:
        time.sleep(0.2)
