"""Runs in trackers: the same numbers, once, brought up to date by the same command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.loopback import apart, why_not
from skiprun.errors import InputError
from skiprun.reports.trackers.tracked_run import TrackedRun, metrics_of, tracked
from skiprun.reports.trackers.tracker import imported, write_runs
from skiprun.run import Run
from skiprun.run.tags import change_tags
from tests.support import ROOT
from tests.support.command_line import run_here
from tests.support.fake_runs import write_run


class Memory:
    """A tracker that keeps runs in memory."""

    place = look = "memory"

    def __init__(self) -> None:
        self.kept: dict[str, TrackedRun] = {}

    def digest_of(self, key: str) -> str | None:
        return self.kept[key].digest if key in self.kept else None

    def delete(self, key: str) -> None:
        del self.kept[key]

    def write(self, run: TrackedRun) -> None:
        assert run.key not in self.kept
        self.kept[run.key] = run


def silent(*_: object) -> None:
    pass


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    return [write_run(tmp_path / "runs", "plain20", seed, model="plain20") for seed in (0, 1)]


def test_a_run_is_written_once_and_again_when_it_says_something_else(runs: list[Run]) -> None:
    tracker = Memory()
    names = [run.name for run in runs]
    assert write_runs(runs, tracker, silent) == dict.fromkeys(names, "written")
    assert write_runs(runs, tracker, silent) == dict.fromkeys(names, "there already")
    change_tags(runs[0], add=["paper"])
    assert write_runs(runs, tracker, silent) == {names[0]: "replaced", names[1]: "there already"}
    assert len(tracker.kept) == 2


def test_a_moved_run_is_the_same_and_another_of_its_name_is_not(runs: list[Run], tmp_path: Path) -> None:
    before = tracked(runs[0])
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert tracked(Run(tmp_path / "moved" / before.name)).key == before.key
    other = write_run(tmp_path / "runs", "plain20", 0, model="plain20")
    other.environment_file.write_text(other.environment_file.read_text().replace("2026-01-02", "2026-02-02"))
    assert tracked(other).key != before.key


def test_it_has_every_number_of_the_log_and_the_summary(runs: list[Run]) -> None:
    entry, rows = tracked(runs[0]), runs[0].metrics()
    assert [point.step for point in entry.points] == [row["step"] for row in rows]
    for point, row in zip(entry.points, rows, strict=True):
        marks = ("step", "epoch_end")
        assert point.metrics == {k: v for k, v in row.items() if k not in marks and v is not None}
    assert entry.summary["test.error"] == runs[0].summary()["test"]["error"]
    assert entry.params["optim.lr"] == runs[0].recorded.optim.lr
    assert entry.begun <= entry.points[0].time <= entry.points[-1].time <= entry.ended


def test_what_is_not_finite_is_left_out() -> None:
    assert metrics_of({"step": 1, "train/loss": None, "lr": 0.1}) == {"lr": 0.1}


def test_a_missing_package_is_told_with_its_way_out() -> None:
    with pytest.raises(
        InputError, match=r"needs Nothing; install it with `pip install 'skiprun\[nothing\]'`"
    ):
        imported("nothing.tracking", "Nothing")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "mlflo"], "Did you mean 'mlflow'?"),
        (["--to", "mlflow", "--format", "csv"], "--format is for a table"),
        (["--json", "--format", "csv"], "say one of the two"),
    ],
)
def test_wrong_options_are_told(words: list[str], said: str, tmp_path: Path) -> None:
    refused = run_here("runs", "export", *words, folder=tmp_path)
    assert refused.returncode == 2 and said in refused.stderr


def run_apart(*arguments: str) -> Any:
    """Run a Python program that prints JSON where there is no network."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        apart([sys.executable, *arguments]),
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def merged(run: Run) -> list[list[Any]]:
    """Return what the log says of each step, over all its rows."""
    log: dict[int, dict[str, float]] = {}
    for point in tracked(run).points:
        log.setdefault(point.step, {}).update(point.metrics)
    return [[step, values] for step, values in sorted(log.items())]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlflow", "trackio"])
def test_what_is_read_back_equals_the_log(name: str, runs: list[Run], tmp_path: Path) -> None:
    if reason := why_not(name):
        pytest.skip(reason)
    folder = tmp_path / "kept"
    words = ["-m", "skiprun", "runs", "export", "--to", name, "--output", str(folder), "--json"]
    words += ["--runs", str(runs[0].root)]
    assert set(run_apart(*words)["runs"].values()) == {"written"}
    found = run_apart("-m", "tests.support.tracker_program", name, str(folder))
    assert found.keys() == {run.name for run in runs}
    for run in runs:
        kept, entry = found[run.name], tracked(run)
        assert kept["log"] == merged(run)
        assert kept["summary"] == entry.summary
        assert {key: str(kept["params"][key]) for key in entry.params} == {
            key: str(value) for key, value in entry.params.items()
        }
    assert set(run_apart(*words)["runs"].values()) == {"there already"}
    change_tags(runs[0], add=["paper"])
    assert run_apart(*words)["runs"] == {runs[0].name: "replaced", runs[1].name: "there already"}
    assert run_apart("-m", "tests.support.tracker_program", name, str(folder)).keys() == found.keys()


@pytest.mark.slow
def test_wandb_is_written_offline_and_once(runs: list[Run], tmp_path: Path) -> None:
    if reason := why_not("wandb"):
        pytest.skip(reason)
    words = ["-m", "skiprun", "runs", "export", "--to", "wandb", "--output", str(tmp_path / "kept"), "--json"]
    words += ["--runs", str(runs[0].root)]
    assert set(run_apart(*words)["runs"].values()) == {"written"}
    assert set(run_apart(*words)["runs"].values()) == {"there already"}
    (file,) = (tmp_path / "kept" / "wandb").glob(f"offline-run-*-{tracked(runs[0]).key}/run-*.wandb")
    content = file.read_bytes()
    assert b"plain20/seed-0" in content and b"train/loss" in content
