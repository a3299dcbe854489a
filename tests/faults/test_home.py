"""Users without a home, caches that cannot be written: what needs none works, the rest names a way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.errors import StorageError
from skiprun.experiment import train
from skiprun.experiment.doctor import examine
from skiprun.models.complexity import catalog
from skiprun.system.cache import cache_folder
from tests.support.tiny import tiny_config

NO_HOME = "This user has no home folder, and so no cache. Name a folder of your own with $SKIPRUN_DATA."


def unknown(folder: Any) -> Path:
    raise RuntimeError("could not determine the home directory for '~/.cache'")


@pytest.fixture(params=["no home", "a home that is no folder"])
def homeless(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose cache cannot be written; the folder that stays empty."""
    monkeypatch.delenv("SKIPRUN_DATA")
    monkeypatch.chdir(tmp_path)
    if request.param == "no home":
        monkeypatch.setattr("platformdirs.user_cache_path", unknown)
    else:
        (tmp_path / "file").write_text("")
        monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "file" / name)
    return tmp_path


def test_the_listing_of_models_needs_no_cache(homeless: Path) -> None:
    assert catalog.describe_models("plain20")[0]["parameters"] == 269_722
    listed = CliRunner().invoke(app, ["models", "plain20"])
    assert listed.exit_code == 0 and "plain20" in listed.stdout


@pytest.mark.parametrize("compile", ["off", "fused"])
def test_digits_need_no_cache(compile: str, homeless: Path, caplog: pytest.LogCaptureFixture) -> None:
    sections = {"data": {"name": "digits", "batch_size": 64}, "schedule": {"steps": 2}}
    run = train(
        tiny_config(name="run", **sections, compute={"device": "cpu", "compile": compile}),
        runs=homeless / "runs",
    )
    assert run.state == "finished"
    assert compile == "off" or any(
        "so the run goes on without: " in line and "$SKIPRUN_DATA" in line for line in caplog.messages
    )
    assert {path.name for path in homeless.iterdir()} <= {"runs", "file"}, "nothing else is made here"


def test_folders_of_images_name_the_way_out(homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for split in ("train", "test"):
        for label in ("a", "b"):
            (homeless / "data" / split / label).mkdir(parents=True)
            for number in range(12):
                pixels = np.arange(number, number + 192, dtype=np.uint8).reshape(8, 8, 3)
                Image.fromarray(pixels).save(homeless / "data" / split / label / f"{number}.png")
    config = tiny_config(
        name="run",
        compute={"device": "cpu"},
        data={"name": "image_folder", "root": str(homeless / "data"), "image_size": 8, "batch_size": 8},
        schedule={"steps": 2},
    )
    with pytest.raises(StorageError) as caught:
        train(config, runs=homeless / "runs")
    assert (
        str(caught.value).endswith("Name a folder of your own with $SKIPRUN_DATA.")
        and caught.value.exit_code == 6
    )
    monkeypatch.setenv("SKIPRUN_DATA", str(homeless / "own"))
    assert train(config, runs=homeless / "runs").state == "finished"


def test_doctor_says_what_needs_a_cache(homeless: Path) -> None:
    found = {check.name: check for check in examine(None, homeless / "runs")}["cache"]
    assert found.state == "ok"
    assert found.finding.startswith("data: none (") and "; compiled code: none (" in found.finding
    assert found.finding.count("$SKIPRUN_DATA.)") == 2


def test_a_home_that_is_only_a_sign_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier versions of platformdirs return it as it is, and a folder called ~ was made where one stood."""
    monkeypatch.delenv("SKIPRUN_DATA")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.raises(StorageError) as caught:
        cache_folder()
    assert str(caught.value) == NO_HOME
    monkeypatch.setenv("SKIPRUN_DATA", "~/data")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(StorageError) as caught:
        cache_folder()
    assert str(caught.value) == NO_HOME
