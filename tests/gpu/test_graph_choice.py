"""`cuda_graph: auto`: a run tries its captured step, and goes on without it where that is wrong or slow."""

from __future__ import annotations

import contextlib
import signal
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.training.acceleration import graph
from skiprun.training.acceleration.graph import WARM_UP
from skiprun.training.acceleration.graph_trial import BURST, ROUNDS
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from tests.gpu.cases import TRIED, Case, config_of, model, steps_of
from tests.support.compare import assert_same_bits
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.machine import Outcome, SimulatedMachine

# Of a step that draws, has an average, clips, and counts: nothing of a trial may stay in any of these.
CASE = Case(model(connection="shortcut_dropout") | {"optim": {"ema": 0.9, "clip_norm": 1.0}})
AUTO = config_of(CASE, "cuda", "auto")
TIMED = ROUNDS * BURST  # launches
FAILS_IN_CAPTURE = {
    "a task that fails": "no captures, please",
    "a probe that fails": "no captures, please",
    "a task that waits": "operation not permitted when stream is capturing",
    "a probe that waits": "operation not permitted when stream is capturing",
}


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config_of(CASE, "cpu"), runs=tmp_path_factory.mktemp("cpu"))


def train_long(config: RunConfig, runs: Path, stop_after: int | None = None) -> Run | None:
    """Train as if the run were long enough for a graph; up to a step, if that is given."""
    progress = SignalAfterStep(stop_after, signal.SIGTERM) if stop_after else False
    with mock.patch.object(graph, "WORTHWHILE", 5), contextlib.suppress(Stopped):
        return train(config, runs=runs, progress=progress)
    return None


def lines(gpu: Outcome) -> list[str]:
    """Return what was said of a graph."""
    return [line for line in gpu.messages if "graph" in line or "captured" in line]


def chosen(run: Run) -> Any:
    """Return what the checkpoint of a run says of its graph."""
    return load(Checkpoints(run.checkpoints).last)["graph"]


@pytest.mark.parametrize("beside", [None, "a thread that waits"])
def test_a_long_run_takes_a_graph_without_a_word(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, beside: str | None
) -> None:
    gpu = machine(train_long, AUTO, runs=tmp_path, gpu={"fault": beside})
    assert_same_bits(on_cpu, gpu.result)
    assert (gpu.launches, gpu.races) == (steps_of(CASE) - WARM_UP + TRIED + TIMED, [])
    assert (lines(gpu), chosen(gpu.result)) == ([], True)


def test_a_graph_of_other_numbers_is_refused(machine: SimulatedMachine, on_cpu: Run, tmp_path: Path) -> None:
    gpu = machine(train_long, AUTO, runs=tmp_path, gpu={"fault": "other numbers"})
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.startswith("The run goes on without a CUDA graph: a launch and the step differ in their ")
    assert line.endswith(", two steps by 0") and gpu.launches == 1
    assert chosen(gpu.result) is False


@pytest.mark.parametrize("asked", ["auto", True])
def test_a_slow_graph_is_refused_unless_one_is_asked_for(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, asked: bool | str
) -> None:
    gpu = machine(train_long, config_of(CASE, "cuda", asked), runs=tmp_path, gpu={"fault": "slow"})
    assert_same_bits(on_cpu, gpu.result)
    assert chosen(gpu.result) is (asked is True)
    if asked == "auto":
        (line,) = lines(gpu)
        assert line.startswith("The run goes on without a CUDA graph: a launch takes 100")


@pytest.mark.parametrize("first", ["slow", None])
def test_a_run_that_goes_on_keeps_its_choice(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, first: str | None
) -> None:
    machine(train_long, AUTO, tmp_path, 7, gpu={"fault": first})
    gpu = machine(train_long, AUTO, tmp_path, gpu={"fault": None if first else "slow"})
    assert_same_bits(on_cpu, gpu.result)
    assert any("Continuing after step 7" in line for line in gpu.messages)
    assert gpu.launches == (0 if first else steps_of(CASE) - 7 - WARM_UP + TRIED)
    assert (lines(gpu), chosen(gpu.result)) == ([], not first)


@pytest.mark.parametrize("fault", FAILS_IN_CAPTURE)
def test_a_failed_capture_leaves_a_healthy_run(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, fault: str
) -> None:
    gpu = machine(train_long, AUTO, runs=tmp_path, gpu={"fault": fault})
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.startswith(
        f"The step cannot be captured, so the run goes on without: {FAILS_IN_CAPTURE[fault]}"
    )
    assert (gpu.launches, gpu.races) == (0, [])


def test_a_wait_is_found_before_a_capture_begins(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path
) -> None:
    gpu = machine(train_long, AUTO, runs=tmp_path, gpu={"fault": "a look at a value"})
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert "so the run goes on without: called a synchronizing CUDA operation" in line


def test_a_short_run_takes_none(machine: SimulatedMachine, on_cpu: Run, tmp_path: Path) -> None:
    gpu = machine(partial(train, AUTO), runs=tmp_path)
    assert_same_bits(on_cpu, gpu.result)
    assert (gpu.launches, lines(gpu), chosen(gpu.result)) == (0, [], None)
