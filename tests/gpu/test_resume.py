"""A run goes on where another device, or a graph, left it, and ends with the bits of a whole CPU run."""

from __future__ import annotations

import contextlib
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment import train
from tests.gpu.cases import CASES, RMSPROP, Case, config_of
from tests.gpu.reference import train_on_cpu
from tests.support.compare import assert_same_bits
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.machine import SimulatedMachine

pytestmark = pytest.mark.slow

OPTIMIZERS = {"sgd": "clip norm", "adamw": "adamw", "muon": "muon", "ema": "ema"}
PLACES = ("cpu", "cuda", "graph")


def crossings() -> Iterator[tuple[str, str, str]]:
    """Yield the ways from one place to another, and by which optimizer."""
    for first, second, optimizer in itertools.product(PLACES, PLACES, OPTIMIZERS):
        if (first, second) != ("cpu", "cpu"):
            yield first, second, optimizer


def begin(config: RunConfig, runs: Path) -> None:
    """Train as far as the middle of the first epoch, where a signal comes."""
    train_there = train_on_cpu if config.compute.device == "cpu" else train
    with contextlib.suppress(Stopped):
        train_there(config, runs=runs, progress=SignalAfterStep(7, signal.SIGTERM))


@pytest.mark.parametrize(("first", "second", "optimizer"), list(crossings()))
def test_a_run_goes_on_elsewhere(
    machine: SimulatedMachine, tmp_path: Path, first: str, second: str, optimizer: str
) -> None:
    case = CASES[OPTIMIZERS[optimizer]]
    whole = train_on_cpu(config_of(case, "cpu"), tmp_path / "whole")
    begin_there = begin if first == "cpu" else lambda *given: machine(begin, *given)
    begin_there(config_on(case, first), tmp_path)
    if second == "cpu":
        return assert_same_bits(whole, train_on_cpu(config_on(case, second), tmp_path))
    outcome = machine(train, config_on(case, second), runs=tmp_path)
    assert_same_bits(whole, outcome.result)
    assert bool(outcome.launches) == (second == "graph")
    assert any("Continuing after step 7" in line for line in outcome.messages)


def test_rmsprop_goes_on_by_a_graph_where_a_cpu_left_it(machine: SimulatedMachine, tmp_path: Path) -> None:
    begin(config_on(RMSPROP, "cpu"), tmp_path)
    outcome = machine(train, config_on(RMSPROP, "graph"), runs=tmp_path)
    assert outcome.launches
    assert outcome.result.state == "finished"


def config_on(case: Case, place: str) -> RunConfig:
    """Return the config of a run on the CPU, on the GPU, or there by a graph."""
    return config_of(case, "cpu" if place == "cpu" else "cuda", place == "graph")
