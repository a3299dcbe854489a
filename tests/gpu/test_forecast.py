"""The forecast of a run on a GPU times steps that a graph makes, between two synchronizations."""

from __future__ import annotations

import pytest

from skiprun.config import RunConfig
from skiprun.experiment.forecast import forecast
from skiprun.experiment.prepare import prepare
from skiprun.training.acceleration.graph import SETTLED, WARM_UP
from tests.gpu.cases import CASES, TRIED, config_of
from tests.support.simulated_gpu.machine import SimulatedMachine


def foreseen(config: RunConfig) -> str:
    """Return the forecast of a run of 14 steps."""
    return forecast(prepare(config))


@pytest.mark.parametrize("graph", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_steps_are_timed_after_the_capture_and_when_they_are_made(
    machine: SimulatedMachine, graph: bool
) -> None:
    outcome = machine(foreseen, config_of(CASES["clip norm"], "cuda", graph))
    assert "ms a step" in outcome.result
    assert outcome.launches == (14 - WARM_UP + TRIED if graph else 0)
    assert outcome.waits["now"] == 1 + (14 - SETTLED) // 5
