"""A run's test split is scored once, at its end, before that only if asked for; near names are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.errors import CheckpointError, InputError, Stopped
from skiprun.experiment import evaluate, load_run, train
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.models.weights.weight_file import read_weights
from skiprun.run import Run
from tests.cli.test_study_commands import small_run
from tests.support.faulty import SignalAfterStep


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, smoke, and one that was stopped after its first epoch."""
    folder = tmp_path_factory.mktemp("unfinished") / "runs"
    done = small_run(folder, {"name": "resnet_cifar", "depth": 8, "width": 4}, "smoke")
    config = done.config.replace(name="begun", schedule=done.config.to_dict()["schedule"] | {"epochs": 2.0})
    with pytest.raises(Stopped):
        train(config, runs=folder, progress=SignalAfterStep(45, 15))
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments], catch_exceptions=True)


def test_it_is_scored_on_val_which_is_said(runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(runs / "begun" / "seed-0")
    assert evaluate(run) == evaluate(run, split="val")
    assert len(caplog.messages) == 1 and caplog.messages[0].startswith(
        "begun/seed-0 is stopped, not finished: this is its val split"
    )
    shown = call("evaluate", "begun", "--runs", str(runs), "--json")
    assert json.loads(shown.stdout)["split"] == "val" and "--split test scores it now" in shown.stderr


def test_its_test_split_is_scored_where_that_is_asked_for_and_said(
    runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(runs / "begun" / "seed-0")
    assert evaluate(run, split="test") != evaluate(run, split="val")
    assert ["its test split is scored before its end" in line for line in caplog.messages] == [True]


def test_a_finished_run_is_scored_on_test_without_a_word(
    runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(runs / "smoke" / "seed-0")
    assert evaluate(run) == run.summary()["test"] and not caplog.messages
    with pytest.raises(InputError, match="No split is called 'tset'"):
        evaluate(run, split="tset")


@pytest.mark.parametrize(
    ("names", "split"), [(["begun"], "val"), (["smoke"], "test"), (["smoke", "begun"], "val")]
)
def test_studies_do_likewise(
    names: list[str], split: str, runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    subjects = find_trained(names, runs)
    kind = "similarity" if len(names) == 2 else "truncate"
    document = run_study(StudyRequest(kind, subjects))[0]
    assert document["verdict"].endswith("All images are of val, not of test.") == (split == "val")
    assert document["look"]["split"] == split and all(split in each["data"] for each in document["subjects"])
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.startswith("begun/seed-0 is stopped") for line in warned] == [True] * (split == "val")


@pytest.mark.parametrize("command", ["lesion", "truncate"])
def test_study_commands_do_likewise(command: str, runs: Path) -> None:
    shown = call(command, "begun", "--runs", str(runs), "--json", "--images", "16")
    assert (
        json.loads(shown.stdout)["networks"][0]["look"]["split"] == "val" and "not finished" in shown.stderr
    )


@pytest.mark.parametrize(
    "words",
    [
        "evaluate smoak",
        "resume smoak",
        "predict smoak x.png",
        "runs show smoak",
        "lesion smoak",
        "gradflow smoak",
        "compare smoak",
        "similarity smoke smoak",
    ],
)
def test_a_name_that_is_nearly_a_runs_is_told_the_nearest(words: str, runs: Path) -> None:
    refused = call(*words.split(), "--runs", str(runs)).exception
    assert isinstance(refused, InputError) and "Did you mean 'smoke'?" in str(refused)


@pytest.mark.parametrize(
    ("name", "near"), [("smoak/seed-0", "smoke/seed-0"), ("smoke/seed-7", "smoke/seed-0"), ("begum", "begun")]
)
def test_the_nearest_run_is_found_by_place_and_name(name: str, near: str, runs: Path) -> None:
    with pytest.raises(InputError, match=f"Did you mean '{near}'"):
        load_run(name, runs)


def test_weights_of_a_run_by_nearly_its_name_are_told_too(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIPRUN_RUNS", str(runs))
    with pytest.raises(CheckpointError, match=r"no such file of weights\. Did you mean .smoke."):
        read_weights("smoak", "resnet20")


def test_what_is_near_nothing_is_told_where_to_look(runs: Path) -> None:
    with pytest.raises(InputError, match="`skiprun runs` lists what is there"):
        load_run("another", runs)


def test_a_misspelled_architecture_is_one_still(runs: Path) -> None:
    refused: Any = call("compare", "resnet57", "--runs", str(runs)).exception
    assert "Did you mean 'resnet56'?" in str(refused)
