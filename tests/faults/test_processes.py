"""Signals, two processes on one run, and memory that runs out (F5 to F7, F9, F14 to F17, F72)."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from skiprun.errors import OutOfMemory, RunBusy, Stopped
from skiprun.experiment import process_pool, worker
from skiprun.experiment.shares import Share
from skiprun.run import Run
from skiprun.system.machine import cores
from skiprun.system.processes import ready
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint_file import load
from skiprun.training.stopping import StopFlag
from tests.support.faulty import (
    EVERYTHING,
    KILLED,
    KillAfterStep,
    SignalAfterStep,
    assert_same_runs,
    context,
    die,
    fault_config,
    finish,
    patch,
    start,
    train_here,
    trial,
)
from tests.support.tiny import tiny_config, tiny_trainer

CONFIG = fault_config(**EVERYTHING, schedule={"epochs": 3})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of an uninterrupted run."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    finish(CONFIG, runs)
    return runs


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["F5", "F7", "F9"],
)
def test_F5_F7_F9_a_signal_saves_this_step_and_stops(
    number: int, code: int, whole: Path, tmp_path: Path
) -> None:
    assert trial(CONFIG, tmp_path / "runs", progress=SignalAfterStep(6, number)) == code
    run = Run.of(tmp_path / "runs", CONFIG)
    assert load(run.checkpoints / "last.pt")["step"] == 6
    assert run.state == "stopped"
    assert run.message == "Stopped after step 6; the checkpoint is saved. The same command continues."
    finish(CONFIG, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


@pytest.mark.parametrize("step", [4, 8, 11, 12])
def test_F7_stopped_at_the_end_of_an_epoch_or_of_the_run(step: int, whole: Path, tmp_path: Path) -> None:
    assert trial(CONFIG, tmp_path / "runs", progress=SignalAfterStep(step, signal.SIGTERM)) == 143
    finish(CONFIG, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


@pytest.mark.parametrize("flush", range(6, 12))
def test_F6_a_second_interrupt_during_the_save_quits_at_once_and_loses_nothing(
    flush: int, whole: Path, tmp_path: Path
) -> None:
    again = partial(patch, "os:fsync", flush, True, partial(signal.raise_signal, signal.SIGINT))
    code = trial(CONFIG, tmp_path / "runs", again, progress=SignalAfterStep(6, signal.SIGINT))
    assert code == 130
    finish(CONFIG, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


def test_F9_SIGUSR1_saves_and_goes_on(tmp_path: Path) -> None:
    with StopFlag() as stop:
        trainer = tiny_trainer(tmp_path, tiny_config(), stop_signal=stop.listener())
        saved: dict[int, int] = {}

        def note(step: int, steps: int) -> None:
            if step == 6:
                signal.raise_signal(signal.SIGUSR1)
            saved[step] = trainer.checkpoints.saved_step or 0

        trainer.surroundings.progress.step = note  # type: ignore[method-assign]
        trainer.fit()
    assert (saved[6], saved[7], saved[8]) == (4, 6, 6)


def test_signals_are_given_back_afterwards() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    with StopFlag() as stop:
        asked = stop.listener()
        signal.raise_signal(signal.SIGTERM)
        assert asked() == signal.SIGTERM
        assert asked() == signal.SIGTERM
    assert [signal.getsignal(number) for number in numbers] == before


def test_each_run_hears_once_that_it_is_to_save() -> None:
    with StopFlag() as stop:
        one, other = stop.listener(), stop.listener()
        signal.raise_signal(signal.SIGUSR1)
        assert [one(), one(), other(), other()] == [signal.SIGUSR1, None, signal.SIGUSR1, None]


def raise_no_memory() -> None:
    """Ask for more memory than any machine has, on the CPU."""
    torch.empty(1 << 60)


def raise_no_device_memory() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


def raise_memory_error() -> None:
    raise MemoryError


@pytest.mark.parametrize(
    "cause", [raise_no_memory, raise_no_device_memory, raise_memory_error], ids=["F14", "F72", ""]
)
def test_F14_F72_out_of_memory_proposes_a_smaller_batch(
    cause: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class After5(NullProgress):
        def step(self, step: int, steps: int) -> None:
            if step == 5:
                cause()

    with pytest.raises(OutOfMemory) as caught:
        train_here(CONFIG, tmp_path, progress=After5())
    assert caught.value.exit_code == 1
    assert str(caught.value) == (
        "Out of memory in a training step of 8 images. Try --fresh with --set data.batch_size=8, or with a "
        "larger optim.accumulate. Training stopped at step 5; the checkpoint of step 4 is kept."
    )
    run = Run.of(tmp_path, CONFIG)
    assert (run.state, run.message) == ("failed", str(caught.value))


class Hold(NullProgress):
    """Progress that keeps a run alive after its first step until it is told."""

    def __init__(self, until: Any) -> None:
        self.until = until

    def step(self, step: int, steps: int) -> None:
        assert self.until.wait(60)


def race(folder: Path) -> None:
    """Start 8 processes on one run at the same moment: one trains, seven are told who does."""
    together, done = context().Barrier(8), context().Event()
    children = [start(CONFIG, folder / "runs", together.wait, progress=Hold(done)) for _ in range(8)]
    until = time.monotonic() + 60
    while sum(child.is_alive() for child in children) > 1:
        assert time.monotonic() < until, "more than one process trains"
        time.sleep(0.02)
    done.set()
    for child in children:
        child.join(60)
    assert sorted(child.exitcode for child in children) == [0] + [5] * 7
    winner = next(child.pid for child in children if child.exitcode == 0)
    said = (folder / "error.txt").read_text()
    assert said.startswith(f"RunBusy: Run {folder / 'runs/run/seed-0'} is in use by process {winner} on ")


@pytest.mark.parametrize("number", [pytest.param(n, marks=[pytest.mark.slow] * (n >= 1)) for n in range(50)])
def test_F15_of_8_simultaneous_starts_exactly_one_wins(number: int, whole: Path, tmp_path: Path) -> None:
    race(tmp_path)
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


def test_F15_a_start_that_comes_when_the_winner_is_done_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = importlib.import_module("skiprun.experiment.opening")
    prepare = module.prepare

    def prepare_slowly(*arguments: Any, **options: Any) -> Any:
        parts = prepare(*arguments, **options)
        finish(CONFIG, tmp_path / "runs")  # another process has begun and ended meanwhile
        return parts

    monkeypatch.setattr(module, "prepare", prepare_slowly)
    train_here(CONFIG, tmp_path / "runs")
    assert caplog.messages == [f"{Run.of(tmp_path / 'runs', CONFIG).path} is finished already."]


def test_F16_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    assert trial(CONFIG, tmp_path / "runs", progress=KillAfterStep(5)) == KILLED
    run = Run.of(tmp_path / "runs", CONFIG)
    assert not run.is_locked()
    with run.lock():
        assert run.state == "running" or os.name == "nt"


def test_F17_a_run_in_use_is_refused_and_the_first_process_unharmed(whole: Path, tmp_path: Path) -> None:
    done = context().Event()
    child = start(CONFIG, tmp_path / "runs", progress=Hold(done))
    run = Run.of(tmp_path / "runs", CONFIG)
    until = time.monotonic() + 60
    while not run.metrics_file.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    assert run.state == "running"
    with pytest.raises(RunBusy, match=f"in use by process {child.pid} on ") as caught:
        train_here(CONFIG, tmp_path / "runs")
    assert caught.value.exit_code == 5
    done.set()
    child.join(60)
    assert child.exitcode == 0
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


def test_looking_at_a_run_does_not_keep_another_process_from_starting_it(tmp_path: Path) -> None:
    """A look shares the lock for an instant; a start waits that long."""
    run = Run.of(tmp_path, CONFIG)
    with run.lock():
        pass
    looking = FileLock(run.guard.file, thread_local=False)
    looking.acquire()
    threading.Timer(0.05, looking.release).start()
    with run.lock():
        pass


def sleep_for_ever(events: Any, shares: Any) -> None:
    """A training process whose parent will be killed."""
    worker.enter(events, shares, logging.INFO)
    events.put("entered")
    time.sleep(600)


def parent_of_one(pipe: Any) -> None:
    events, shares = ready().Queue(), ready().Queue()
    shares.put(Share(cores()))
    child = ready().Process(target=sleep_for_ever, args=(events, shares))
    child.start()
    assert events.get(timeout=60) == "entered"
    pipe.send(child.pid)
    time.sleep(600)


def test_training_processes_end_with_the_one_that_started_them() -> None:
    ours, theirs = context().Pipe()
    parent = context().Process(target=parent_of_one, args=(theirs,))
    parent.start()
    assert ours.poll(90), "the training process does not begin"
    grandchild = ours.recv()
    parent.kill()
    parent.join()
    until = time.monotonic() + 60
    while (
        Path(f"/proc/{grandchild}").exists()
        and "Z" not in Path(f"/proc/{grandchild}/stat").read_text().split()[2]
    ):
        assert time.monotonic() < until, "the training process outlives its parent"
        time.sleep(0.05)


def test_a_training_process_that_is_killed_ends_in_one_message(tmp_path: Path) -> None:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, ready()) as pool:
        future, processes = pool.submit(die), list(pool._processes.values())
    failure = process_pool._failure(future, processes)
    assert failure is not None and "Try fewer --jobs" in str(failure)


def test_stopped_names_its_signal() -> None:
    assert [Stopped(number).exit_code for number in (1, 2, 15)] == [129, 130, 143]
