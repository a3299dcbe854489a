"""Where and how to measure: the setting, clocks, steps that are one launch, and errors as rows."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skiprun.training.acceleration.graph import StepGraph

ROOT = Path(__file__).parent.parent
IMAGES = 50_000
NETWORKS = ("resnet20", "resnet56", "resnet110")
BURST = 10
WIDEST = 240


@dataclass(frozen=True)
class Setting:
    """Where and how to measure.

    Attributes:
        device: cpu or cuda.
        threads: of torch on a CPU; with one, the clock is the CPU time of the process, which neighbours
            hardly touch.
        quick: does it run, and about how fast.
        batch: images a step.
        limit: seconds that a part may take.
        cifar10: where CIFAR-10 lies, for the part that needs it; None: in skiprun's cache.
        runs: the folder of runs that go on where they were stopped.
    """

    device: str = "cpu"
    threads: int = 1
    quick: bool = False
    batch: int = 128
    limit: float = math.inf
    cifar10: str | None = None
    runs: str = "runs"

    @property
    def gpu(self) -> bool:
        """Tell whether it is a GPU; its work is not in the time of any CPU, so the clock is the wall's."""
        return self.device == "cuda"

    @property
    def images(self) -> int:
        """Return how many images an epoch has: those of CIFAR-10, or six batches."""
        return 6 * self.batch if self.quick else IMAGES

    @property
    def networks(self) -> tuple[str, ...]:
        """Return the networks that a GPU is measured with."""
        return NETWORKS[:1] if self.quick else NETWORKS

    @property
    def clock(self) -> str:
        """Return the clock that counts, of those that an arm reads."""
        return "cpu" if self.threads == 1 and not self.gpu else "wall"


class Skipped(Exception):
    """A part that cannot be measured here, and why."""


class Unfinished(Exception):
    """A part that goes on when it is started again, and where it is."""


def now(device: str) -> float:
    """Return the CPU time of this process, or the wall's when a GPU has done all that it was told."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def seconds(work: Callable[[], Any], device: str, times: int = 15, warm_up: int = 0) -> float:
    """Return the median time of some work after warm-up runs; on a GPU, of several launched at once."""
    spent, burst = [], BURST if device == "cuda" else 1
    for _ in range(warm_up + times):
        started = now(device)
        for _ in range(burst):
            work()
        spent.append((now(device) - started) / burst)
    return statistics.median(spent[warm_up:])


def captured(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Return a step of a GPU that after its first calls is one launch."""
    accept_nothing_less()
    return partial(StepGraph(torch.device("cuda")), step)


class NothingLess(logging.Handler):
    """Raises what is logged where work goes on without what was to be measured."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raise such a message."""
        if "goes on without" in record.getMessage():
            raise RuntimeError(record.getMessage())


NOTHING_LESS = NothingLess()


def accept_nothing_less() -> None:
    """Let skiprun fail where it would train otherwise than asked."""
    logger = logging.getLogger("skiprun.training")
    logger.setLevel(logging.INFO)
    logger.addHandler(NOTHING_LESS)


def why(error: Exception) -> str:
    """Return an error in one line, of a length to read."""
    return f"{type(error).__name__}: {(str(error).strip() or 'no words').splitlines()[0]}"[:WIDEST]


def found(row: dict[str, Any], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a row with what some work finds, or with why it failed."""
    try:
        return row | work()
    except Exception as error:  # the other rows are worth having
        return row | {"failed": why(error)}
