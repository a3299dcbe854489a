"""A run that is finished leaves nothing on the GPU, whenever Python comes to collect its cycles."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from skiprun.config import RunConfig
from skiprun.experiment import train
from skiprun.training.trainer import Trainer
from tests.gpu.cases import CASES, config_of
from tests.support.simulated_gpu.machine import SimulatedMachine


def trainers_left(config: RunConfig, runs: Path) -> int:
    """Train, and return how many trainers are alive after, before any collection."""
    gc.collect()
    gc.disable()
    try:
        train(config, runs=runs)
        return sum(isinstance(each, Trainer) for each in gc.get_objects())
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.parametrize("graph", [False, True])
def test_no_trainer_outlives_its_run(machine: SimulatedMachine, tmp_path: Path, graph: bool) -> None:
    config = config_of(CASES["clip norm"], "cuda", graph)
    assert machine(trainers_left, config, tmp_path).result == 0
