"""`compile: auto` on a GPU: a long run tries compiled code, and goes on without where it is wrong or slow."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.training.acceleration import compile_trial
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from tests.gpu.cases import Case, config_of, model
from tests.support.compare import assert_same_bits
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.compilers import compiles
from tests.support.simulated_gpu.machine import Outcome, SimulatedMachine

CASE = Case(model(connection="shortcut_dropout") | {"optim": {"ema": 0.9, "clip_norm": 1.0}})
# Norms of gradients are among the metrics.
WRONG = {
    "other outputs": "its metrics are off by ",
    "other gradients": "its metrics are off by ",
    "other statistics": "its statistics are off by ",
    "other draws": "it draws other random numbers",
    "no capture": "operation not permitted when stream is capturing",
    "no memory": "CUDA out of memory. Tried to allocate 2.00 GiB",
}


def auto(case: Case, **compute: Any) -> RunConfig:
    """Return the config of a run on a GPU that leaves open whether it is compiled."""
    sections = case.sections | {"compute": {"compile": "auto"} | compute}
    return config_of(Case(sections), "cuda", True)


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(config_of(CASE, "cpu"), runs=tmp_path_factory.mktemp("cpu"))


def train_long(
    config: RunConfig,
    runs: Path,
    compiler: str = "right",
    stop_after: int | None = None,
    seconds: float = 0.0,
    a_module: float = 0.0,
) -> Run | None:
    """Train as if the run were long enough to be compiled, which takes some seconds."""
    clock = iter([0.0, seconds])
    progress = SignalAfterStep(stop_after, signal.SIGTERM) if stop_after else False
    with (
        compiles(compiler),
        mock.patch.object(compile_trial, "SECONDS_A_MODULE", a_module),
        mock.patch.object(compile_trial, "monotonic", lambda: next(clock)),
        suppress(Stopped),
    ):
        return train(config, runs=runs, progress=progress)
    return None


def lines(gpu: Outcome) -> list[str]:
    """Return what was said of compiled code."""
    return [line for line in gpu.messages if "ompil" in line]


def passed(run: Run) -> Any:
    """Return what the checkpoint of a run says of its pass."""
    return load(Checkpoints(run.checkpoints).last)["pass"]


def test_compiled_code_that_is_right_and_fast_makes_the_steps(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path
) -> None:
    gpu = machine(train_long, auto(CASE), tmp_path)
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.startswith("Compiled code makes the steps from here on: a step takes ")
    assert (passed(gpu.result), gpu.races) == ("compiled", [])


@pytest.mark.parametrize(
    "compiler",
    [name if name == "other statistics" else pytest.param(name, marks=pytest.mark.slow) for name in WRONG],
)
def test_wrong_code_is_refused(machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, compiler: str) -> None:
    gpu = machine(train_long, auto(CASE), tmp_path, compiler)
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.startswith(f"The run goes on without compiled code: {WRONG[compiler]}")
    assert passed(gpu.result) == "eager"


@pytest.mark.slow
def test_a_compiler_that_fails_is_told_once(machine: SimulatedMachine, on_cpu: Run, tmp_path: Path) -> None:
    gpu = machine(train_long, auto(CASE), tmp_path, "no compiler")
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.endswith("so the run goes on without: Cannot find a working triton installation")
    assert passed(gpu.result) == "eager"


@pytest.mark.slow
def test_code_that_took_longer_than_it_saves_is_refused(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path
) -> None:
    gpu = machine(train_long, auto(CASE), tmp_path, seconds=60.0)
    assert_same_bits(on_cpu, gpu.result)
    (line,) = lines(gpu)
    assert line.endswith("0 s less in what is left, and compiling took 60 s.")
    assert passed(gpu.result) == "eager"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compute", "a_module"),
    [pytest.param({}, 1.0, id="a short run"), ({"deterministic": True}, 0.0), ({"compile": "off"}, 0.0)],
)
def test_not_tried(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, compute: dict[str, Any], a_module: float
) -> None:
    gpu = machine(train_long, auto(CASE, **compute), tmp_path, a_module=a_module)
    assert_same_bits(on_cpu, gpu.result)
    assert (lines(gpu), passed(gpu.result)) == ([], "eager")


@pytest.mark.slow
@pytest.mark.parametrize("first", ["right", "other outputs"])
def test_a_run_that_goes_on_keeps_its_choice(
    machine: SimulatedMachine, on_cpu: Run, tmp_path: Path, first: str
) -> None:
    machine(train_long, auto(CASE), tmp_path, first, stop_after=7)
    gpu = machine(train_long, auto(CASE), tmp_path, seconds=60.0)
    assert_same_bits(on_cpu, gpu.result)
    assert any("Continuing after step 7" in line for line in gpu.messages)
    assert (lines(gpu), passed(gpu.result)) == ([], "compiled" if first == "right" else "eager")
