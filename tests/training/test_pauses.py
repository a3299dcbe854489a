"""A run that pauses at a share of its schedule goes on as if nothing had been."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiprun.experiment.many import train_missing
from skiprun.experiment.planned import Planned
from skiprun.run import Run
from tests.support.faulty import EVERYTHING, assert_same_runs, fault_config, tiny_dataset, train_here


@pytest.mark.parametrize("length", [{"epochs": 10}, {"steps": 37}], ids=str)
def test_survivors_of_two_pauses_have_the_bits_of_a_run_that_never_paused(
    length: dict[str, int], tmp_path: Path
) -> None:
    config = fault_config(**EVERYTHING, schedule=length)
    train_here(config, tmp_path / "whole" / "runs")
    for until, step in ((0.25, 12), (0.5, 20)):  # an epoch has four steps; the next one that ends
        run = train_here(config, tmp_path / "runs", until=until)
        assert run.state == "stopped" and run.message == f"paused at step {step} of {length.get('steps', 40)}"
        assert run.metrics()[-1]["step"] == step
    train_here(config, tmp_path / "runs", until=1.0)
    assert_same_runs(tmp_path / "whole" / "runs", tmp_path / "runs", config)


def test_a_planned_run_that_has_come_so_far_is_not_missing(tmp_path: Path) -> None:
    config = fault_config()
    planned = {until: Planned("", "run", Run.of(tmp_path, config), config, until) for until in (0.2, 0.5, 1)}
    with tiny_dataset():
        train_missing([planned[0.5]], tmp_path)
        sessions = len(planned[0.5].run.sessions())
        assert [item.missing for item in planned.values()] == [False, False, True]
        train_missing([planned[0.2]], tmp_path)
        assert len(planned[0.2].run.sessions()) == sessions
        train_missing([planned[1]], tmp_path)
        assert not any(item.missing for item in planned.values())
