"""On a GPU a checkpoint is one copy, written by a thread: the promises are those of a CPU."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.system.files import replace_keeping
from skiprun.training import checkpoint, checkpoint_file
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.trainer import Trainer
from tests.gpu.cases import CASES, config_of
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.machine import SimulatedMachine

EMA = CASES["ema"]


class Paused:
    """Holds the thread that writes before it puts last.pt in place, until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go_on, self.order = threading.Event(), threading.Event(), list[str]()
        self.save = checkpoint_file.save

    def best(self, path: Path, *content: Any) -> None:
        """Write best.pt."""
        self.order.append(path.name)
        self.save(path, *content)

    def last(self, path: Path, *others: Any) -> None:
        """Write last.pt when told."""
        self.reached.set()
        assert self.go_on.wait(60)
        self.order.append(path.name)
        replace_keeping(path, *others)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Stand before both files."""
        with mock.patch.multiple(checkpoint, save=self.best, replace_keeping=self.last):
            yield


def steps_around_a_save(config: RunConfig, runs: Path) -> tuple[list[int | None], list[str]]:
    """Return the saved step while last.pt is written and after, and the order of the files."""
    seen: list[int | None] = []
    paused, step, trainers = Paused(), Trainer.train_step, list[Trainer]()

    def train_step(self: Trainer) -> None:
        step(self)
        if self.epoch == 1 and not paused.go_on.is_set():  # the first epoch's files are on their way
            trainers.append(self)
            assert paused.reached.wait(60)
            seen.append(self.checkpoints.saved_step)
            paused.go_on.set()
            seen.append(self.checkpoints.step)

    with paused.installed(), mock.patch.object(Trainer, "train_step", train_step):
        train(config, runs=runs)
    return [*seen, trainers[0].checkpoints.step], paused.order


def test_training_goes_on_and_the_step_is_true_when_the_file_is_in_place(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    outcome = machine(steps_around_a_save, config_of(EMA, "cuda"), tmp_path)
    steps, order = outcome.result
    assert steps == [None, 10, 14]
    assert order[:2] == ["best.pt", "last.pt"] and order[-1] == "last.pt"
    copies = [each for each in outcome.findings if each.kind == "wait" and "copy to host" in each.what]
    assert not [each for each in copies if each.function in ("save_last", "save_best", "_write")]


def stopped(config: RunConfig, runs: Path) -> int | None:
    """Stop by a signal, and return the step of the checkpoint that is there then."""
    with pytest.raises(Stopped):
        train(config, runs=runs, progress=SignalAfterStep(7, signal.SIGTERM))
    return checkpoint_file.load(Checkpoints(Run.of(runs, config).checkpoints).last)["step"]


def test_a_stop_waits_for_the_file(machine: SimulatedMachine, tmp_path: Path) -> None:
    assert machine(stopped, config_of(EMA, "cuda"), tmp_path).result == 7
