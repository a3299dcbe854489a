"""A run goes on where another device, or a graph, left it, and ends with the bits of a whole CPU run."""

from __future__ import annotations

import contextlib
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.experiment import train
from tests.gpu.cases import CASES, Case, config_of
from tests.support.compare import assert_same_bits
from tests.support.faulty import SignalAfterStep
from tests.support.simulated_gpu.machine import SimulatedMachine

pytestmark = pytest.mark.slow

OPTIMIZERS = {"sgd": "clip norm", "adamw": "adamw", "ema": "ema"}
PLACES = ("cpu", "cuda", "graph")


def crossings() -> Iterator[Any]:
    """Yield the ways from one place to another, and by which optimizer."""
    for first, second, optimizer in itertools.product(PLACES, PLACES, OPTIMIZERS):
        known = "G12" if optimizer == "adamw" and "graph" in (first, second) else None
        if second == "graph" != first:
            known = "G22: the rate of a checkpoint is a number, which a graph keeps"
        if (first, second) != ("cpu", "cpu"):
            marks = pytest.mark.xfail(strict=True, reason=known) if known else ()
            yield pytest.param(first, second, optimizer, marks=marks)


def begin(config: RunConfig, runs: Path) -> None:
    """Train as far as the middle of the first epoch, where a signal comes."""
    with contextlib.suppress(Stopped):
        train(config, runs=runs, progress=SignalAfterStep(7, signal.SIGTERM))


@pytest.mark.parametrize(("first", "second", "optimizer"), list(crossings()))
def test_a_run_goes_on_elsewhere(
    machine: SimulatedMachine, tmp_path: Path, first: str, second: str, optimizer: str
) -> None:
    case = CASES[OPTIMIZERS[optimizer]]
    whole = train(config_of(case, "cpu"), runs=tmp_path / "whole")
    begin_there = begin if first == "cpu" else lambda *given: machine(begin, *given)
    begin_there(config_on(case, first), tmp_path)
    if second == "cpu":
        return assert_same_bits(whole, train(config_on(case, second), runs=tmp_path))
    outcome = machine(train, config_on(case, second), runs=tmp_path)
    assert_same_bits(whole, outcome.result)
    assert bool(outcome.launches) == (second == "graph")
    assert any("Continuing after step 7" in line for line in outcome.messages)


def config_on(case: Case, place: str) -> RunConfig:
    """Return the config of a run on the CPU, on the GPU, or there by a graph."""
    return config_of(case, "cpu" if place == "cpu" else "cuda", place == "graph")
