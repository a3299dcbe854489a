"""Runs that may be read and not written, disks that fill up: what was computed is shown, said not kept."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.config_file import build_config
from skiprun.errors import StorageError
from skiprun.experiment import train
from skiprun.experiment.study_runner import keeping
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.system.ordinary_files import open_to_append

CONFIG = {
    "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
    "data": {"name": "digits", "batch_size": 64},
    "schedule": {"steps": 2},
    "compute": {"device": "cpu"},
    "log": {"tensorboard": False},
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    for name in ("one", "two"):
        train(build_config(CONFIG | {"name": name}), runs=folder / "runs")
    return folder


@pytest.fixture
def theirs(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, in which nothing can be written: as root too, whom no permission stops."""
    allowed = os.access

    def refused(path: Any, mode: int, **options: Any) -> bool:
        return not Path(path).is_relative_to(original) and allowed(path, mode, **options)

    def cannot_write(self: Path, mode: str = "r", *values: Any, **options: Any) -> Any:
        if set(mode) & set("wax+") and self.absolute().is_relative_to(original):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(self, mode, *values, **options)

    def cannot_create(self: Path, *values: Any, **options: Any) -> None:
        if self.absolute().is_relative_to(original) and not self.exists():
            raise PermissionError(errno.EACCES, "Permission denied")
        created(self, *values, **options)

    opened, created = Path.open, Path.mkdir
    monkeypatch.setattr(os, "access", refused)
    monkeypatch.setattr(Path, "open", cannot_write)
    monkeypatch.setattr(Path, "mkdir", cannot_create)
    monkeypatch.chdir(original)
    before = sorted(original.rglob("*"))
    yield original
    assert sorted(original.rglob("*")) == before


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception
    return result


STUDIES = {
    "lesion": ["lesion", "one", "--draws", "1"],
    "paths": ["paths", "one", "--draws", "1", "--batches", "1"],
    "landscape": ["landscape", "one", "--steps", "3", "--images", "32", "--jobs", "1"],
    "similarity": ["similarity", "one", "two", "--batches", "1"],
    "two runs": ["truncate", "one", "two"],
}


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.usefixtures("theirs")
def test_a_study_is_shown_and_said_not_to_be_kept(name: str) -> None:
    shown = call(*STUDIES[name])
    assert "is shown, not kept. To keep it, name a folder with --runs" in shown.stderr
    assert json.loads(call(*STUDIES[name], "--json").stdout)["networks"][0]["verdict"] in " ".join(
        shown.stdout.split()
    )


@pytest.mark.usefixtures("theirs")
def test_a_study_is_kept_below_ones_own_runs(tmp_path: Path) -> None:
    arguments = [
        *STUDIES["landscape"][:1],
        "runs/one",
        *STUDIES["landscape"][2:],
        "--runs",
        str(tmp_path / "mine"),
    ]
    first = call(*arguments)
    folder = tmp_path / "mine" / "studies" / "landscape-one"
    assert (
        "is kept in" in first.stderr
        and (folder / "landscape-one.json").exists()
        and list(folder.glob("*.png"))
    )
    assert "finished already" in call(*arguments).stderr


@pytest.mark.usefixtures("theirs")
def test_a_comparison_of_finished_runs_is_shown() -> None:
    shown = call("compare", "one", "two")
    assert "Tied for the best test error" in shown.stdout and "not kept" in shown.stderr
    assert "Report:" not in shown.stderr
    assert len(json.loads(call("compare", "one", "two", "--json").stdout)["groups"]) == 2


@pytest.mark.usefixtures("theirs")
def test_a_finished_run_is_scored_and_shown(tmp_path: Path) -> None:
    assert json.loads(call("evaluate", "one", "--json").stdout)["error"] >= 0
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps(CONFIG))
    assert "finished already" in call("train", str(file), "--name", "one").stderr
    assert CliRunner().invoke(app, ["train", str(file), "--name", "three"]).exception.exit_code == 6


def test_a_disk_that_fills_up_while_a_study_runs_costs_what_is_kept_and_not_what_was_found(
    original: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first rows are kept, the disk fills up, the rest and document are not; all rows are returned."""
    subjects, look = find_trained(["one"], original / "runs"), SampleSelection("train", 32)
    (whole,) = run_study(StudyRequest("landscape", subjects, look, {"steps": 3}), fresh=True)
    opened, appended, written = Path.open, open_to_append, 0

    def fills_up(self: Path, mode: str = "r", *values: Any, **options: Any) -> Any:
        if written > 3 and set(mode) & set("wax"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return appended(self) if mode == "a" else opened(self, mode, *values, **options)

    def grows(file: Path) -> Any:
        nonlocal written
        written += 1
        return fills_up(file, "a")

    monkeypatch.setattr(Path, "open", fills_up)
    monkeypatch.setattr(keeping, "open_to_append", grows)
    (found,) = run_study(StudyRequest("landscape", subjects, look, {"steps": 3}), fresh=True)
    assert found["rows"] == whole["rows"]
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 2 and all("No space left" in line and "not kept" in line for line in warned)


def test_python_is_told_by_an_error_where_nothing_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        train(build_config(CONFIG), runs=tmp_path / "file" / "runs")
