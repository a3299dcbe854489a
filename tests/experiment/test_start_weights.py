"""Weights that a run starts from: found where --runs says, and known by content, whatever their name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import CheckpointError, RunTaken
from skiprun.experiment import ComparisonRequest, plan_comparison, train
from skiprun.experiment.study_runner.study_targets import find_targets
from skiprun.models import build_model
from tests.support.tiny import tiny_config


def starting(weights: str, **sections: Any) -> RunConfig:
    """Return a config of two steps that starts from given weights."""
    return build_config(
        {
            "name": "next",
            "model": {"name": "resnet_cifar", "depth": 8, "width": 4, "weights": weights},
            "data": {"name": "digits", "batch_size": 64},
            "schedule": {"steps": 2},
            "log": {"tensorboard": False},
            **sections,
        }
    )


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder; return a folder of runs that only an option names, with one run in it."""
    monkeypatch.delenv("SKIPRUN_RUNS", raising=False)
    train(tiny_config(name="one", schedule={"steps": 2}), runs=tmp_path / "kept")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "kept"


def test_weights_by_the_name_of_a_run_are_found_where_the_option_says(elsewhere: Path) -> None:
    config = starting("one")
    Path("next.yaml").write_text(yaml.safe_dump(config.to_dict()))
    for words in (
        ["train", "next.yaml", "--quiet"],
        ["compare", "next.yaml", "--quiet", "--jobs", "1", "--set", "name=compared"],
        ["doctor", "next.yaml", "--set", "name=looked-at"],
        ["evaluate", "one", "--model", "resnet_cifar:depth=8,width=4", "--data", "digits"],
    ):
        found = CliRunner().invoke(app, [*words, "--runs", str(elsewhere)])
        assert found.exit_code == 0, (words, found.output, found.exception)
    (subject,) = find_targets(["next.yaml"], elsewhere)
    assert subject.configs[0].model.weights == str(elsewhere / "one")
    with pytest.raises(CheckpointError, match="one: there is no such file of weights"):
        train(starting("one", name="lost"), runs="runs")


def test_weights_named_in_another_way_are_the_same_experiment_and_others_are_not(elsewhere: Path) -> None:
    run = train(starting("one"), runs=elsewhere)
    shutil.copy(elsewhere / "one" / "seed-0" / "checkpoints" / "best.pt", "copied.pt")
    ways = [
        str(elsewhere / "one"),
        "../kept/one/seed-0",
        "../kept/one/seed-0/checkpoints/best.pt",
        "copied.pt",
    ]
    for weights in ways:
        (planned,) = plan_comparison(ComparisonRequest([written(starting(weights))], runs=elsewhere))
        planned.refuse_what_is_not_ours()
        assert train(starting(weights), runs=elsewhere).path == run.path
    shutil.rmtree(elsewhere / "one")
    assert train(starting("copied.pt"), runs=elsewhere).path == run.path
    torch.save(build_model("resnet_cifar", 10, 1, depth=8, width=4).state_dict(), "other.pt")
    for weights in ("other.pt", "nowhere.pt"):
        with pytest.raises(RunTaken, match=r"model\.weights"):
            train(starting(weights), runs=elsewhere)


def test_a_run_that_recorded_no_digest_is_compared_by_its_file(elsewhere: Path) -> None:
    run = train(starting("one"), runs=elsewhere)
    run.environment_file.unlink()
    assert train(starting("../kept/one"), runs=elsewhere).path == run.path


def test_a_run_goes_on_when_its_weights_are_named_in_another_way(elsewhere: Path) -> None:
    run = train(starting("one"), runs=elsewhere)
    run.summary_file.unlink()
    assert train(starting("../kept/one/seed-0"), runs=elsewhere).state == "finished"


def test_a_run_goes_on_though_the_weights_that_it_names_are_others_now(elsewhere: Path) -> None:
    run = train(starting("../kept/one"), runs=elsewhere)
    run.summary_file.unlink()
    best = elsewhere / "one" / "seed-0" / "checkpoints" / "best.pt"
    torch.save(build_model("resnet_cifar", 10, 1, depth=8, width=4).state_dict(), best)
    assert train(run.config, runs=elsewhere).state == "finished"
    with pytest.raises(RunTaken, match=r"model\.weights"):
        train(starting("one"), runs=elsewhere)


@pytest.mark.parametrize("weights", ["one", "copied.pt"])
def test_a_finished_run_whose_weights_were_trained_anew_since_is_another_experiment(
    weights: str, elsewhere: Path
) -> None:
    best = elsewhere / "one" / "seed-0" / "checkpoints" / "best.pt"
    shutil.copy(best, "copied.pt")
    run = train(starting(weights), runs=elsewhere)
    torch.save(build_model("resnet_cifar", 10, 1, depth=8, width=4).state_dict(), best)
    shutil.copy(best, "copied.pt")
    (planned,) = plan_comparison(ComparisonRequest([written(starting(weights))], runs=elsewhere))
    for ask in (planned.refuse_what_is_not_ours, lambda: train(starting(weights), runs=elsewhere)):
        with pytest.raises(
            RunTaken, match=r"model\.weights: .*(one|copied\.pt) was trained anew, or replaced, since"
        ):
            ask()
    shutil.rmtree(elsewhere / "one")
    Path("copied.pt").unlink()
    assert train(run.config, runs=elsewhere).path == run.path


def written(config: RunConfig) -> str:
    """Write a config as a YAML file and return its name."""
    Path("written.yaml").write_text(yaml.safe_dump(config.to_dict()))
    return "written.yaml"
