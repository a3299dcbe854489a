"""Seeds trained side by side, as branches of one graph, have the bits of runs that are alone."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from skiprun.config import RunConfig
from skiprun.experiment.side_by_side import train_side_by_side
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.acceleration.graph import WARM_UP
from tests.gpu.cases import CASES, config_of, steps_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.machine import Outcome, SimulatedMachine

SLOWLY = ("resnet20 bf16", "unet augmented", "cutmix", "clip value, accumulate", "adamw", "hooks")


def seeds(name: str, device: str, count: int) -> dict[str, RunConfig]:
    """Return the configs of a case with several seeds, by label."""
    config = config_of(CASES[name], device, graph=True)
    return {f"seed {seed}": config.replace(seed=seed) for seed in range(count)}


def side_by_side(
    configs: dict[str, RunConfig], runs: Path, stopped: Mapping[str, int] | None = None
) -> list[Run | str]:
    """Train runs, and return each, or the name of its error; of some a signal asks after a step."""
    after = stopped or {}
    progresses = {
        label: SignalAfterStep(after[label], signal.SIGTERM) if label in after else NullProgress()
        for label in configs
    }
    found = train_side_by_side(configs, runs, progresses)
    return [each if isinstance(each, Run) else type(each).__name__ for each in found]


@pytest.mark.parametrize("name", ["ema", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOWLY)])
def test_the_bits_are_those_of_a_run_alone(machine: SimulatedMachine, tmp_path: Path, name: str) -> None:
    gpu = machine(side_by_side, seeds(name, "cuda", 3), tmp_path / "gpu")
    assert_alone(gpu, seeds(name, "cpu", 3), tmp_path)
    # The first step of each shows that its network draws nothing; a trial launches once.
    assert gpu.launches == steps_of(CASES[name]) - CASES[name].eager_steps - 1 - WARM_UP + 1
    assert not gpu.races
    assert all(run.sessions()[-1]["side_by_side"] == 3 for run in gpu.result)


@pytest.mark.slow
def test_each_draws_from_the_seeds_of_its_own_sources(machine: SimulatedMachine, tmp_path: Path) -> None:
    def held(device: str) -> dict[str, RunConfig]:
        plain, held = (config_of(CASES[name], device, graph=True) for name in ("clip norm", "held seeds"))
        return {"plain": plain.replace(seed=1), "held": held}

    gpu = machine(side_by_side, held("cuda"), tmp_path / "gpu")
    assert_alone(gpu, held("cpu"), tmp_path)
    assert gpu.launches and not gpu.races


def assert_alone(gpu: Outcome, configs: Mapping[str, RunConfig], folder: Path) -> None:
    """Compare runs with those that the CPU trains alone."""
    for found, config in zip(gpu.result, configs.values(), strict=True):
        assert isinstance(found, Run), found
        assert_same_bits(train_on_cpu(config, folder / "cpu"), found)


@pytest.mark.slow
def test_networks_that_draw_have_a_graph_each(machine: SimulatedMachine, tmp_path: Path) -> None:
    gpu = machine(side_by_side, seeds("stochastic depth", "cuda", 2), tmp_path / "gpu")
    assert_alone(gpu, seeds("stochastic depth", "cpu", 2), tmp_path)
    assert gpu.launches == 2 * (steps_of(CASES["stochastic depth"]) - 1 - WARM_UP + 1) and not gpu.races


def test_the_others_go_on_without_a_run_that_diverges(machine: SimulatedMachine, tmp_path: Path) -> None:
    configs = seeds("clip norm", "cuda", 3)
    wild = configs["seed 1"].replace(optim=configs["seed 1"].optim.model_copy(update={"lr": 1e30}))
    gpu = machine(side_by_side, configs | {"seed 1": wild}, tmp_path / "gpu")
    assert gpu.result[1] == "Diverged" and Run.of(tmp_path / "gpu", wild).state == "diverged"
    gpu.result.pop(1)
    alone = seeds("clip norm", "cpu", 3)
    del alone["seed 1"]
    assert_alone(gpu, alone, tmp_path)


def test_runs_that_stopped_go_on_from_where_each_was(machine: SimulatedMachine, tmp_path: Path) -> None:
    """One signal stops all; one that was begun alone before is some steps ahead."""
    configs = seeds("clip norm", "cuda", 2)
    ahead = {"seed 1": configs["seed 1"]}
    stopped = machine(side_by_side, ahead, tmp_path / "gpu", {"seed 1": 3}).result
    stopped += machine(side_by_side, configs, tmp_path / "gpu", {"seed 0": 6}).result
    assert stopped == ["Stopped"] * 3
    gpu = machine(side_by_side, configs, tmp_path / "gpu")
    assert_alone(gpu, seeds("clip norm", "cpu", 2), tmp_path)
    steps = [line.split(": Continuing after step ") for line in gpu.messages if "Continuing" in line]
    assert [label for label, _ in steps] == list(configs) and steps[0][1] != steps[1][1]


@pytest.mark.slow
def test_runs_that_were_given_one_stream_come_one_after_the_other(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    gpu = machine(side_by_side, seeds("clip norm", "cuda", 3), tmp_path / "gpu", gpu={"streams": 2})
    assert_alone(gpu, seeds("clip norm", "cpu", 3), tmp_path)
    assert gpu.launches and not gpu.races
