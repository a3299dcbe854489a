"""Train a few steps of a config, and foresee how long the whole run takes and how much memory."""

from __future__ import annotations

import contextlib
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch

from skiprun.errors import Stopped, counted
from skiprun.experiment.make_trainer import make_trainer
from skiprun.experiment.parts import Parts
from skiprun.system.machine import peak_memory
from skiprun.system.progress import NullProgress
from skiprun.training.acceleration.graph import SETTLED
from skiprun.training.metrics import MetricsLog
from skiprun.training.schedule import total_steps
from skiprun.training.trainer import Trainer

WINDOWS = 3  # how often steps are timed
LAUNCHED_AT_ONCE = 5  # steps of a GPU that are timed as one: launching a step takes time beside those before


class StepTimes(NullProgress):
    """Progress that notes when steps end.

    Args:
        now: returns the time.
        first: the step whose end is noted first; 0: the beginning.
        every: how many steps are between two times.
    """

    def __init__(self, now: Callable[[], float], first: int = 1, every: int = 1) -> None:
        self.now, self.first, self.every = now, first, every
        self.done = 0
        self.times = [] if first else [now()]

    def step(self, _step: int, _steps: int) -> None:
        """Note the time."""
        self.done += 1
        if self.done >= self.first and (self.done - self.first) % self.every == 0:
            self.times.append(self.now())

    @property
    def step_seconds(self) -> float:
        """How long a step takes: the median of the times noted."""
        return statistics.median(after - before for before, after in pairwise(self.times)) / self.every


def forecast(parts: Parts) -> str:
    """Train a few steps in a temporary folder and evaluate once; foresee the whole run."""
    device, total = parts.setup.device, total_steps(parts.config, len(parts.loaders.train))
    first, every = (SETTLED, LAUNCHED_AT_ONCE) if device.type == "cuda" else (1, 1)
    if total < first + every:  # such a run is over before its steps settle
        first, every = 0, 1
    now = device_clock(device)
    clock = StepTimes(now, first, every)
    trainer = train_briefly(parts, first + WINDOWS * every, clock)
    if device.type == "cuda":
        trainer.evaluate("val")  # allocates, and tries algorithms
    started = now()
    trainer.evaluate("val")
    return outlook(trainer, parts, clock.step_seconds, now() - started)


def device_clock(device: torch.device) -> Callable[[], float]:
    """Return a clock that waits for a GPU: it is done some time after it was told what to do."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.monotonic()

    return now


def train_briefly(parts: Parts, steps: int, clock: StepTimes) -> Trainer:
    """Train a few steps of which nothing is kept, with a clock; return the trainer."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(
            parts,
            Path(folder),
            lambda keep_bytes: MetricsLog(Path(folder) / "metrics.jsonl", keep_bytes, []),
            clock,
            lambda: signal.SIGTERM if clock.done == steps else None,
        )
        trainer.load_checkpoint()
        with contextlib.suppress(Stopped):
            trainer.fit()
    return trainer


def outlook(trainer: Trainer, parts: Parts, step: float, evaluation: float) -> str:
    """Say how long a step takes, how much memory, and when the run would end."""
    epochs = trainer.steps * parts.config.data.batch_size / len(parts.loaders.train)
    seconds = trainer.steps * step + epochs * evaluation
    on_gpu = parts.setup.device.type == "cuda"
    # What torch took from the GPU, which is more than its tensors fill.
    memory = torch.cuda.max_memory_reserved() if on_gpu else peak_memory()
    end = time.strftime("%a %d %b %H:%M", time.localtime(time.time() + seconds))
    return (
        f"{step * 1e3:.1f} ms a step, {evaluation:.2f} s an evaluation, {memory / 1e6:,.0f} MB; "
        f"{counted(trainer.steps, 'step')} in about {max(seconds / 60, 0.1):.1f} min, done {end}"
    )
