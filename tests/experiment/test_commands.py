"""Command lines for a scheduler: one for each run that is missing, each the run that was planned."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.config_file import load_config
from skiprun.experiment import ComparisonRequest, compare_commands, plan_comparison, plan_noise
from skiprun.experiment.reproduction import reproduce_commands
from skiprun.run import Run
from tests.support.fake_runs import write_run

SMALL = ["schedule.epochs=2", "model.width=4"]


def read(lines: list[str]) -> list[tuple[RunConfig, Path]]:
    """Return what each line trains, and in which folder."""
    found = []
    for line in lines:
        program, command, file, option, runs = shlex.split(line)
        assert (program, command, option) == ("skiprun", "train", "--runs")
        found.append((load_config(file), Path(runs)))
    return found


def test_each_line_trains_a_run_of_the_comparison_and_what_is_done_has_none(tmp_path: Path) -> None:
    names, runs = ["plain20", "resnet20:connection=highway"], tmp_path / "my runs"
    planned = plan_comparison(ComparisonRequest(names, overrides=SMALL, seeds=2, runs=runs))
    lines = compare_commands(ComparisonRequest(names, overrides=SMALL, seeds=2, runs=runs))
    assert [(config.to_dict(), folder) for config, folder in read(lines)] == [
        (item.config.to_dict(), runs) for item in planned
    ]
    assert compare_commands(ComparisonRequest(names, overrides=SMALL, seeds=2, runs=runs)) == lines
    write_run(runs, planned[0].run.path.parent.name, 0, model="plain20", settings=planned[0].config.to_dict())
    assert compare_commands(ComparisonRequest(names, overrides=SMALL, seeds=2, runs=runs)) == lines[1:]


def test_runs_of_noise_lie_in_its_folder(tmp_path: Path) -> None:
    found = read(
        plan_noise("plain20", overrides=SMALL, seeds=2, sources=["init", "order"], runs=tmp_path).commands()
    )
    assert [(config.name, config.seed) for config, _ in found] == [
        (name, seed) for name in ("all", "init", "order") for seed in range(2)
    ]
    assert {runs for _, runs in found} == {tmp_path / "noise" / "digits-plain20"}


def test_runs_that_start_from_others_have_no_line_before_those_are_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "skiprun")
    first = read(reproduce_commands(["transfer_head_start"], runs=tmp_path))
    assert first and not any(config.model.weights for config, _ in first)
    assert "more after these, from which some start" in caplog.messages[-1]


def test_what_depends_on_results_has_no_commands(tmp_path: Path) -> None:
    asked = ["compare", "plain20", "resnet20", "--until-decided", "--print-commands", "--runs", str(tmp_path)]
    with pytest.raises(Exception, match="--print-commands: --until-decided asks for runs as it sees"):
        CliRunner().invoke(app, asked, catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_lines_are_printed_on_stdout_alone(tmp_path: Path) -> None:
    asked = ["compare", "plain20", "resnet20", "--print-commands", "--runs", str(tmp_path), "--quiet"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    found = read(done.stdout.splitlines())
    assert [config.name for config, _ in found] == ["digits-plain20", "digits-resnet20"]
    assert not any(Run.of(runs, config).path.exists() for config, runs in found)
