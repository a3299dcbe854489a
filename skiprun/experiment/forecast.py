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

from skiprun.errors import Stopped
from skiprun.experiment.make_trainer import make_trainer
from skiprun.experiment.parts import Parts
from skiprun.system.machine import peak_memory
from skiprun.system.progress import NullProgress
from skiprun.training.metrics import MetricsLog
from skiprun.training.trainer import Trainer

STEPS = 4  # the first pays for the set-up, the others are timed


class StepTimes(NullProgress):
    """Progress that notes when steps end."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.times: list[float] = []

    def step(self, _step: int, _steps: int) -> None:
        """Note the time."""
        self.times.append(self.now())


def forecast(parts: Parts) -> str:
    """Train a few steps in a temporary folder and evaluate once; foresee the whole run."""
    trainer, times = train_briefly(parts, STEPS)
    started = time.monotonic()
    trainer.evaluate("val")
    return outlook(trainer, parts, times, time.monotonic() - started)


def train_briefly(
    parts: Parts, steps: int, now: Callable[[], float] = time.monotonic
) -> tuple[Trainer, list[float]]:
    """Train a few steps of which nothing is kept; return the trainer, and when each ended by some clock."""
    clock = StepTimes(now)
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(
            parts,
            Path(folder),
            lambda keep_bytes: MetricsLog(Path(folder) / "metrics.jsonl", keep_bytes, []),
            clock,
            lambda: signal.SIGTERM if len(clock.times) == steps else None,
        )
        trainer.load_checkpoint()
        with contextlib.suppress(Stopped):
            trainer.fit()
    return trainer, clock.times


def outlook(trainer: Trainer, parts: Parts, times: list[float], evaluation: float) -> str:
    """Say how long a step takes, how much memory, and when the run would end."""
    step = statistics.median(after - before for before, after in pairwise(times))
    epochs = trainer.steps * parts.config.data.batch_size / len(parts.loaders.train)
    seconds = trainer.steps * step + epochs * evaluation
    on_gpu = parts.setup.device.type == "cuda"
    memory = torch.cuda.max_memory_allocated() if on_gpu else peak_memory()
    end = time.strftime("%a %d %b %H:%M", time.localtime(time.time() + seconds))
    return (
        f"{step * 1e3:.1f} ms a step, {evaluation:.2f} s an evaluation, {memory / 1e6:,.0f} MB; "
        f"{trainer.steps:,} steps in about {max(seconds / 60, 0.1):.1f} min, done {end}"
    )
