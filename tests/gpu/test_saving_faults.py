"""Disks that fail and processes that die while a thread writes the checkpoints of a GPU."""

from __future__ import annotations

import errno
import os
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skiprun.config import RunConfig
from skiprun.errors import StorageError
from skiprun.experiment import ending, train
from skiprun.system.files import replace_keeping
from skiprun.training import checkpoint
from skiprun.training.acceleration.kernels.library import find_compiler
from skiprun.training.trainer import Trainer
from tests.gpu.cases import CASES, config_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.failing_disk import FailingDisk
from tests.support.faulty import KillAfterStep, Sabotage, kill_at, kill_in_write
from tests.support.simulated_gpu.machine import SimulatedMachine

pytestmark = pytest.mark.slow

EMA = CASES["ema"]
LONGER = EMA._replace(sections=EMA.sections | {"schedule": {"steps": 30}})


def end_of(config: RunConfig, runs: Path, at: int, error: int, stays: bool) -> str:
    """Train on a disk that fails at an operation, and return what is said; nothing where none failed.

    A run does not fail for the note of the memory that it took, so that is not written here.
    """
    disk = FailingDisk(at, error, stays)
    try:
        with disk.installed(), mock.patch.object(ending, "record_memory"):
            train(config, runs=runs)
    except StorageError as caught:
        assert caught.exit_code == 6
        return str(caught)
    assert not disk.failed, "an operation that failed went unnoticed"
    return ""


@pytest.mark.parametrize(("error", "stays"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_the_disk_fails_at_any_operation(
    machine: SimulatedMachine, tmp_path: Path, error: int, stays: bool
) -> None:
    config = config_of(EMA, "cuda")
    whole = train(config_of(EMA, "cpu"), runs=tmp_path / "whole")
    for at in range(3, 1000, 9):
        runs = tmp_path / str(at)
        message = machine(end_of, config, runs, at, error, stays).result
        if not message:
            break
        assert message.startswith("Cannot ") and os.strerror(error) in message and "\n" not in message
        outcome = machine(train, config, runs=runs)
        assert not [line for line in outcome.messages if "damaged" in line]
        assert_same_bits(whole, outcome.result)
    assert at > 30


def full_at_the_second_save(config: RunConfig, runs: Path, end: str) -> tuple[str, int]:
    """Train until a save that fails, and let the run end by something else before it is heard."""
    saves, step, failed = list[Path](), Trainer.train_step, threading.Event()

    def full(path: Path, *others: Any) -> None:
        saves.append(path)
        if len(saves) == 2:
            failed.set()
            raise StorageError(f"Cannot write {path}: the disk is full.")
        replace_keeping(path, *others)

    def train_step(self: Trainer) -> None:
        if self.epoch == 2:
            assert failed.wait(60)
            if end == "diverges":
                raise self.diverged("loss", self.step)
        step(self)

    with (
        mock.patch.object(checkpoint, "replace_keeping", full),
        mock.patch.object(Trainer, "train_step", train_step),
        pytest.raises(StorageError) as caught,
    ):
        train(config, runs=runs)
    return str(caught.value), caught.value.exit_code


@pytest.mark.parametrize("end", ["goes on", "diverges"])
def test_a_save_that_failed_is_heard_whatever_comes_after_it(
    machine: SimulatedMachine, tmp_path: Path, end: str
) -> None:
    message, code = machine(full_at_the_second_save, config_of(LONGER, "cuda"), tmp_path, end).result
    assert code == 6
    assert "the disk is full. Training stopped at step" in message
    assert "step 10" in message.partition(";")[2]


# Where a process dies, mostly in the thread that writes.
DEATHS: dict[str, Sabotage | KillAfterStep] = {
    "before best": kill_at("skiprun.training.checkpoint:save", 2, True),
    "between best and last": kill_at("skiprun.training.checkpoint:save", 2, False),
    "before last": kill_at("skiprun.training.checkpoint:replace_keeping", 2, True),
    "after last": kill_at("skiprun.training.checkpoint:replace_keeping", 2, False),
    "within best": kill_in_write(6),
    "within last": kill_in_write(7),
    "beside the thread": KillAfterStep(13),
}


def killed(config: RunConfig, runs: Path, death: Sabotage | KillAfterStep) -> int:
    """Train in a fork of this process, which has trained nothing, and return the exit code."""
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        told = death if isinstance(death, KillAfterStep) else bool(death())
        train(config, runs=runs, progress=told)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


@pytest.fixture(scope="module")
def mortal(machine: SimulatedMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedMachine]:
    """Another machine, where nothing has been trained; skipped where the first one is."""
    found = SimulatedMachine(str(find_compiler()), tmp_path_factory.mktemp("guard"))
    yield found
    found.pool.shutdown()


@pytest.mark.parametrize("death", DEATHS)
def test_killed_at_any_moment_of_a_save_a_run_goes_on(
    machine: SimulatedMachine, mortal: SimulatedMachine, tmp_path: Path, death: str
) -> None:
    config = config_of(LONGER, "cuda")
    assert mortal(killed, config, tmp_path, DEATHS[death]).result == -9
    outcome = machine(train, config, runs=tmp_path)
    assert not [line for line in outcome.messages if "damaged" in line]
    assert any("Continuing after step" in line for line in outcome.messages)
    assert_same_bits(train_on_cpu(config_of(LONGER, "cpu"), tmp_path / "whole"), outcome.result)
