"""Is the simulated GPU able to fail? Faults that are planted in the training step are found.

What a run finds by itself costs it the graph, and no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from skiprun.experiment import train
from skiprun.run import Run
from tests.gpu.cases import Case, config_of, model
from tests.support.compare import assert_same_bits
from tests.support.simulated_gpu.faults import FAULTS
from tests.support.simulated_gpu.machine import Outcome, SimulatedMachine

# What gives each fault away. The network draws, for the fault that only its draws can show.
SIGNS = {
    "a learning rate that is a number": "given up",
    "a look at a value": "given up",
    "a total bound anew": "given up",
    "a number from the host": "given up",
    "a tensor left on the CPU": "refused",
    "a result that is not cloned": "other bits",
    "streams that do not wait": "race",
    "a seed for the CPU alone": "other bits",
}
BY_DEFAULT = ("a total bound anew", "streams that do not wait")
TRIED = [pytest.param(fault, marks=() if fault in BY_DEFAULT else pytest.mark.slow) for fault in FAULTS]
DRAWING = Case(model(connection="shortcut_dropout"))


@pytest.fixture(scope="module")
def on_cpu(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Run]:
    return lru_cache(lambda: train(config_of(DRAWING, "cpu"), runs=tmp_path_factory.mktemp("cpu")))


def signs(cpu: Run, gpu: Outcome) -> set[str]:
    """Return what shows that a run on the GPU is not as it should be."""
    found = {"race"} if gpu.races else set()
    if any("goes on without" in line for line in gpu.messages):
        found.add("given up")
    try:
        assert_same_bits(cpu, gpu.result)
    except AssertionError:
        found.add("other bits")
    return found


@pytest.mark.parametrize("fault", TRIED)
def test_a_planted_fault_is_found(
    machine: SimulatedMachine, on_cpu: Callable[[], Run], tmp_path: Any, fault: str
) -> None:
    config = config_of(DRAWING, "cuda", graph=True)
    try:
        outcome = machine(train, config, runs=tmp_path, gpu={"fault": fault})
    except RuntimeError as error:
        assert "all tensors to be on the same device" in str(error)
        assert SIGNS[fault] == "refused"
    else:
        assert signs(on_cpu(), outcome) == {SIGNS[fault]}
