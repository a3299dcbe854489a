"""`--folds` on the command line: a run a fold, under a name of its own, finished by the same command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import skiprun
from skiprun.run import Run, find_runs
from tests.support.command_line import SMALL_RUN, run_here

FOLDS = ["--folds", "3", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a network was cross-validated."""
    folder = tmp_path_factory.mktemp("folds")
    done = run_here("train", "plain20", *FOLDS, *SMALL_RUN, folder=folder)
    assert done.returncode == 0, done.stderr
    assert (
        "digits-plain20-3fold: test error " in done.stdout and "over 3 folds of 1,797 images" in done.stdout
    )
    return folder


def test_each_fold_is_a_run_that_its_seed_says(folder: Path) -> None:
    runs = find_runs(folder / "runs")
    assert [run.name for run in runs] == [f"digits-plain20-3fold/seed-{seed}" for seed in range(3)]
    data = [run.summary()["data"] for run in runs]
    assert sum(each["test"] for each in data) == 1797
    assert len({each["fingerprint"] for each in data}) == 3


def test_the_same_command_trains_the_fold_that_is_missing_to_the_same_end(folder: Path) -> None:
    run = Run(folder / "runs" / "digits-plain20-3fold" / "seed-1")
    before = run.summary()["test"]
    run.clear()
    again = run_here("compare", "plain20", *FOLDS, *SMALL_RUN, "--jobs", "1", "--json", folder=folder)
    assert again.returncode == 0, again.stderr
    [group] = json.loads(again.stdout)["groups"]
    assert group["seeds"] == [0, 1, 2]
    assert run.summary()["test"] == before


def test_a_fold_is_scored_on_its_own_images_again(folder: Path) -> None:
    run = Run(folder / "runs" / "digits-plain20-3fold" / "seed-2")
    scores = skiprun.evaluate(run.path, split="test")
    assert scores["error"] == pytest.approx(run.summary()["test"]["error"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "plain20", "--folds", "3", "--seeds", "4"], "--seeds 4: each seed tests one of 3 folds"),
        (["compare", "plain20", "resnet20", "--folds", "3", "--until-decided"], "--until-decided adds seeds"),
        (["train", "plain20", "--folds", "3", "--seed", "1"], "with --folds the seeds are the folds"),
        (["noise", "plain20", "--set", "data.folds=3"], "data.folds does too"),
        (["train", "plain20", "--folds", "1"], "--folds"),
    ],
)
def test_what_contradicts_folds_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    done = run_here(*words, folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert not find_runs(tmp_path / "runs")
