"""A run that has ended leaves nothing on the GPU, whenever Python comes to collect its cycles."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Diverged
from skiprun.experiment import train
from skiprun.experiment.side_by_side import train_side_by_side
from skiprun.system.progress import NullProgress
from skiprun.training.trainer import Trainer
from tests.gpu.cases import CASES, config_of
from tests.support.simulated_gpu.machine import SimulatedMachine

pytestmark = pytest.mark.slow


def trainers() -> int:
    """Return how many trainers are alive."""
    return sum(issubclass(type(each), Trainer) for each in gc.get_objects())


def trainers_left(runs: Path, *configs: RunConfig) -> list[int]:
    """Train, and return how many trainers are alive after each run and after all, before any collection."""
    gc.collect()
    gc.disable()
    left: list[int] = []

    class Ending(NullProgress):
        """Counts at the end of each epoch, the last of which one run alone is left for."""

        def epoch(self, record: object) -> None:
            left.append(trainers())

    try:
        if len(configs) == 1:
            with contextlib.suppress(Diverged):
                train(configs[0], runs=runs)
        else:
            labelled = {str(number): config for number, config in enumerate(configs)}
            train_side_by_side(labelled, runs, {label: Ending() for label in labelled})
        return [*left[-1:], trainers()]
    finally:
        gc.enable()


def wild(config: RunConfig) -> RunConfig:
    """Return the config of a run that diverges in its first epoch."""
    return config.replace(optim=config.optim.model_copy(update={"lr": 1e30}))


@pytest.mark.parametrize("diverges", [False, True])
@pytest.mark.parametrize("graph", [False, True])
def test_no_trainer_outlives_its_run(
    machine: SimulatedMachine, tmp_path: Path, graph: bool, diverges: bool
) -> None:
    config = config_of(CASES["clip norm"], "cuda", graph)
    assert machine(trainers_left, tmp_path, wild(config) if diverges else config).result == [0]


def test_one_that_ends_leaves_its_memory_to_those_beside_it(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    config = config_of(CASES["clip norm"], "cuda", graph=True)
    beside = [config, wild(config.replace(seed=1)), config.replace(seed=2)]
    assert machine(trainers_left, tmp_path, *beside).result == [1, 0]
