"""A sweep that is killed at random moments and started again trains each run once, to the same table."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from skiprun.experiment import plan_sweep, sweep
from skiprun.experiment.many import Launcher
from skiprun.run import Run
from skiprun.system.documents import read_document
from tests.support.compare import timeless
from tests.support.faulty import KILLED, context

KILLS = 10
SWEEP = """
config: small.yaml
grid:
  optim.lr: [0.05, 0.1, 0.2]
  model.connection: [none, add, highway]
seeds: 2
"""
SMALL = """
model: {name: resnet_cifar, depth: 8, width: 4}
data: {name: digits, batch_size: 64}
schedule: {epochs: 4}
compute: {device: cpu, precision: fp32}
log: {tensorboard: false}
"""


def sweep_there(folder: Path, runs: Path, jobs: int, halving: bool) -> None:
    """Make the sweep, in a process of its own."""
    sweep(plan_sweep(folder / "rates.yaml", runs=runs, halving=halving), Launcher(jobs=jobs))


def start(folder: Path, runs: Path, jobs: int, halving: bool) -> Any:
    process = context().Process(target=sweep_there, args=(folder, runs, jobs, halving))
    process.start()
    return process


def ends(runs: Path) -> int:
    """Return how many ends of epochs the logs hold."""
    return sum(log.read_bytes().count(b'"epoch_end"') for log in runs.rglob("metrics.jsonl"))


def kill_when(process: Any, runs: Path, rows: int) -> None:
    """Kill a sweep without a word as soon as its logs hold so many ends of epochs."""
    while process.is_alive() and ends(runs) < rows:
        time.sleep(0.1)  # looking more often would take the time of what is looked at
    process.kill()
    process.join()
    assert process.exitcode == KILLED


def table(runs: Path) -> Any:
    """Return what the sweep found, but for where and when."""
    found = read_document(runs / "sweeps/rates/sweep.json", dict[str, object], "")
    return str({**found, "written": ""}).replace(str(runs), "")


@pytest.mark.slow
@pytest.mark.parametrize("halving", [False, True], ids=["whole", "halving"])
def test_a_sweep_killed_ten_times_trains_each_run_once_and_finds_the_same(
    tmp_path: Path, halving: bool
) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    (tmp_path / "rates.yaml").write_text(SWEEP)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    sweep(plan_sweep(tmp_path / "rates.yaml", runs=whole, halving=halving), Launcher(jobs=1))
    chance = random.Random(0)
    for number, rows in enumerate(sorted(chance.sample(range(1, 2 * ends(whole) // 3), KILLS))):
        kill_when(start(tmp_path, killed, 1 + number % 2, halving), killed, rows)
        while any(run.is_locked() for run in map(Run, runs_below(killed))):  # its processes die with it
            time.sleep(0.01)
    last = start(tmp_path, killed, 1, halving)
    last.join()
    assert last.exitcode == 0 and table(killed) == table(whole)
    assert [path.relative_to(killed) for path in runs_below(killed)] == [
        path.relative_to(whole) for path in runs_below(whole)
    ]
    for path in runs_below(killed):
        ours, theirs = Run(path).metrics(), Run(whole / path.relative_to(killed)).metrics()
        assert [*map(timeless, ours)] == [*map(timeless, theirs)], "each step is there once"


def runs_below(folder: Path) -> list[Path]:
    return sorted(file.parent for file in folder.rglob("config.yaml"))
