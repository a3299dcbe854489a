"""A run on the simulated GPU is the run on the CPU, bit for bit, and waits only to fetch its log."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from skiprun.config import RunConfig
from skiprun.data.channels import by_channel
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.acceleration.graph import WARM_UP
from skiprun.training.host_copy import HostCopy
from tests.gpu.cases import CASES, RMSPROP, TRIED, Case, config_of, model, steps_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.simulated_gpu.machine import Outcome, SimulatedMachine
from tests.support.simulated_gpu.tensor import SimulatedTensor

Pair = tuple[Run, Outcome]
# The order of an epoch is copied when it begins; what normalizes images, when they are first asked for.
ONCE = {"_permutation", by_channel.__name__}
FETCH = HostCopy.wait.__name__
TRIAL = {"distance"}  # of what a launch computes from what the step does


def cases(*graphs: bool) -> pytest.MarkDecorator:
    """Return a mark that tries each case, eager and by graph."""
    tried = [
        pytest.param(name, graph, marks=slow(case), id=f"{name}, {'graph' if graph else 'eager'}")
        for name, case in CASES.items()
        for graph in graphs
    ]
    return pytest.mark.parametrize(("name", "graph"), tried)


def slow(case: Case) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if case.slow else []


@pytest.fixture(scope="module")
def trained(machine: SimulatedMachine, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    """Train a case where first asked for: the run on the CPU, and what became of that on the GPU."""

    @lru_cache
    def given() -> Path:
        return train(config_of(CASES["clip norm"], "cpu"), runs=tmp_path_factory.mktemp("given")).path

    @lru_cache
    def on_cpu(name: str) -> Run:
        return train_on_cpu(config(name, "cpu"), tmp_path_factory.mktemp("cpu"))

    @lru_cache
    def on_gpu(name: str, graph: bool) -> Outcome:
        gpu = {} if CASES[name].free is None else {"free": CASES[name].free}
        return machine(train, config(name, "cuda", graph), runs=tmp_path_factory.mktemp("gpu"), gpu=gpu)

    def config(name: str, device: str, graph: bool = False) -> RunConfig:
        needs_weights = "weights" in CASES[name].sections.get("model", {})
        return config_of(CASES[name], device, graph, given() if needs_weights else None)

    return lambda name, graph: (on_cpu(name), on_gpu(name, graph))


@cases(False, True)
def test_the_bits_are_those_of_the_cpu(trained: Callable[..., Pair], name: str, graph: bool) -> None:
    cpu, gpu = trained(name, graph)
    assert_same_bits(cpu, gpu.result)
    assert not gpu.races
    assert not [each for each in gpu.findings if each.kind == "host scalar" and each.in_epoch]


@pytest.mark.slow
def test_rmsprop_by_graph_has_the_bits_of_its_steps(machine: SimulatedMachine, tmp_path: Path) -> None:
    runs = {
        graph: machine(train, config_of(RMSPROP, "cuda", graph), runs=tmp_path / str(graph))
        for graph in (False, True)
    }
    assert_same_bits(runs[False].result, runs[True].result)
    assert runs[True].launches == steps_of(RMSPROP) - WARM_UP + TRIED


@cases(False, True)
def test_within_an_epoch_the_host_waits_for_the_log_alone(
    trained: Callable[..., Pair], name: str, graph: bool
) -> None:
    cpu, gpu = trained(name, graph)
    assert gpu.waits.keys() <= {FETCH, *ONCE, *(TRIAL if graph else ())}
    epochs = sum("epoch_end" in row for row in cpu.rows())
    assert gpu.waits[FETCH] <= epochs
    assert sum(gpu.waits[function] for function in ONCE) <= epochs + 1 + 2


@cases(True)
def test_a_graph_makes_the_steps(trained: Callable[..., Pair], name: str, graph: bool) -> None:
    _, gpu = trained(name, graph)
    assert gpu.launches == steps_of(CASES[name]) - WARM_UP - CASES[name].eager_steps + TRIED
    assert not [line for line in gpu.messages if "graph" in line or "captured" in line]


class KernelCount(NullProgress):
    """Notes what was launched one by one on the simulated GPU until the end of each step."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def step(self, step: int, steps: int) -> None:
        self.counts.append(SimulatedTensor.gpu.kernels)


def kernels_by_step(config: RunConfig, runs: Path) -> list[int]:
    """Train, and return how many operations were launched one by one from each step to the next."""
    progress = KernelCount()
    train(config, runs=runs, progress=progress)
    return [after - before for before, after in itertools.pairwise(progress.counts)]


SLOWLY = [pytest.param(name, marks=pytest.mark.slow) for name in ("cutmix", "unet augmented")]


@pytest.mark.parametrize("name", ["mixup", *SLOWLY])
def test_a_graph_gathers_and_augments_too(machine: SimulatedMachine, tmp_path: Path, name: str) -> None:
    """Beside it are launched: the learning rate, the index of the batch, and a copy of the result."""
    config = config_of(CASES[name], "cuda", graph=True)
    assert machine(kernels_by_step, config, tmp_path).result[-1] == 3


@pytest.mark.slow
def test_weights_are_cast_by_few_kernels(trained: Callable[..., Pair]) -> None:
    exact, mixed = (trained(f"resnet20 {precision}", True)[1].nodes for precision in ("fp32", "bf16"))
    assert mixed <= exact + 5


@pytest.mark.slow
def test_blocks_that_draw_and_are_computed_again_are_not_captured(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    checkpointing = {"compute": {"activation_checkpointing": True}}
    case = Case(model(connection="shortcut_dropout") | checkpointing)
    gpu = machine(train, config_of(case, "cuda", graph=True), runs=tmp_path / "gpu")
    assert_same_bits(train_on_cpu(config_of(case, "cpu"), tmp_path / "cpu"), gpu.result)
    assert not gpu.launches
    assert [line for line in gpu.messages if "captured" in line] == [
        "The step cannot be captured, so the run goes on without: "
        "a block that draws at random is computed again"
    ]
