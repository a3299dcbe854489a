"""Rows of the log are read while the GPU has work to do; what is promised of a run that diverges holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor

from skiprun.config import RunConfig
from skiprun.errors import Diverged
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.host_copy import HostCopy
from skiprun.training.metrics import MetricsLog
from skiprun.training.pending import ROWS_PER_FETCH
from skiprun.training.trainer import Trainer
from tests.gpu.cases import CASES, config_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits, timeless
from tests.support.simulated_gpu.machine import SimulatedMachine

# One epoch of 90 steps, each a row.
CASE = CASES["clip norm"]._replace(
    sections=CASES["clip norm"].sections
    | {"data": {"name": "digits", "batch_size": 14}, "schedule": {"steps": 4 * ROWS_PER_FETCH + 10}}
)


def every_step(device: str, graph: bool = False) -> RunConfig:
    """Return the config of a run with a row for each step."""
    return config_of(CASE, device, graph).replace(log={"every": 1, "tensorboard": False})


def train_and_watch(config: RunConfig, runs: Path) -> tuple[Run, list[int]]:
    """Train, and return how many steps were made when each row was written."""
    steps, append, step = [0], MetricsLog.append, Trainer.train_step
    written: list[int] = []

    def count(self: Trainer) -> None:
        steps[0] += 1
        step(self)

    def note(self: MetricsLog, record: Any) -> None:
        written.append(steps[0])
        append(self, record)

    with mock.patch.object(Trainer, "train_step", count), mock.patch.object(MetricsLog, "append", note):
        return train(config, runs=runs), written


@pytest.mark.parametrize("graph", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_after_the_first_rows_the_gpu_does_not_idle(
    machine: SimulatedMachine, tmp_path: Path, graph: bool
) -> None:
    outcome = machine(train_and_watch, every_step("cuda", graph), tmp_path / "gpu")
    run, written = outcome.result
    assert_same_bits(train_on_cpu(every_step("cpu"), tmp_path / "cpu"), run)
    assert outcome.waits[HostCopy.wait.__name__] == 2  # the first rows, and the end of the epoch
    assert not outcome.races
    part = ROWS_PER_FETCH
    expected = [*[part] * part, *[3 * part] * part, *[4 * part] * part, *[4 * part + 10] * (part + 10)]
    assert written[: 4 * part + 10] == expected


def diverge(
    config: RunConfig, runs: Path, at: int, save_after: int | None
) -> tuple[str, int, int | None, Run]:
    """Let a loss be NaN; return the message and code, the step of last.pt, and the run."""
    optimizer_step, step = Trainer.optimizer_step, Trainer.train_step

    def spoiled(self: Trainer, *batch: Tensor, watched: bool) -> Tensor:
        metrics = optimizer_step(self, *batch, watched=watched)
        return metrics * torch.nan if self.step + 1 >= at else metrics

    def train_step(self: Trainer) -> None:
        step(self)
        if self.step in (5, save_after):
            self.save()

    run = Run.of(runs, config)
    with (
        mock.patch.object(Trainer, "optimizer_step", spoiled),
        mock.patch.object(Trainer, "train_step", train_step),
        pytest.raises(Diverged) as caught,
    ):
        train(config, runs=runs)
    last = load(Checkpoints(run.checkpoints).last)["step"]
    return str(caught.value), caught.value.exit_code, last, run


@pytest.mark.parametrize("save_after", [None, pytest.param(59, marks=pytest.mark.slow)])
def test_a_run_that_diverges_keeps_its_last_good_checkpoint(
    machine: SimulatedMachine, tmp_path: Path, save_after: int | None
) -> None:
    """A save reads all that is on its way first, so none is made of a step after the loss was lost."""
    of_gpu = machine(diverge, every_step("cuda"), tmp_path / "gpu", 47, save_after).result
    of_cpu = diverge(every_step("cpu"), tmp_path / "cpu", 47, save_after)
    assert of_gpu[:3] == of_cpu[:3]
    assert "step 47" in of_gpu[0] and of_gpu[1:3] == (3, 5)
    rows = [[timeless(row) for row in each[3].rows()] for each in (of_gpu, of_cpu)]
    assert rows[0] == rows[1]
