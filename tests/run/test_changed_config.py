"""A finished run whose config.yaml was edited: shown and compared as trained, not scored as another."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.config_file import build_config
from skiprun.errors import CheckpointError, InputError
from skiprun.experiment import evaluate, train
from skiprun.experiment.finished import load_model
from skiprun.experiment.longer import lengthen
from skiprun.results.records import read
from skiprun.run import Run
from skiprun.training.checkpoint_file import load, save

CONFIG = {
    "name": "one",
    "model": {"name": "resnet20", "width": 2},
    "data": {"name": "digits"},
    "optim": {"lr": 0.05},
    "schedule": {"epochs": 0.1},
    "compute": {"device": "cpu"},
    "log": {"tensorboard": False},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return train(build_config(CONFIG), runs=tmp_path)


def edit(run: Run, old: str, new: str) -> None:
    text = run.config_file.read_text()
    assert text.count(old) == 1
    run.config_file.write_text(text.replace(old, new))


def test_what_was_trained_is_shown_and_the_change_is_said(run: Run) -> None:
    edit(run, "lr: 0.05", "lr: 0.5")
    record = read(run)
    assert record.finished and record.config["optim.lr"] == 0.05
    assert "changed since it finished (optim.lr: 0.05 -> 0.5)" in record.message
    assert not any(key.startswith("config.") for key in record.summary)


def test_a_comparison_says_it_too(run: Run) -> None:
    edit(run, "lr: 0.05", "lr: 0.5")
    (said,) = (each for each in compare_runs([run]).cautions if "config.yaml" in each)
    assert said.startswith("Of one/seed-0, its config.yaml was changed since it finished")


def test_another_experiment_is_not_scored_under_its_name(run: Run) -> None:
    edit(run, "split: 0", "split: 1")
    with pytest.raises(InputError, match=r"seeds.split: 0 -> 1.*; put it back"):
        evaluate(run)


def test_a_log_that_was_edited_is_told_with_the_curves(run: Run) -> None:
    assert not any("metrics.jsonl" in each for each in compare_runs([run]).cautions)
    log = run.metrics_file.read_text()
    run.metrics_file.write_text(log.replace('"lr": 0.05', '"lr": 0.06', 1))
    assert run.metrics_file.read_text() != log
    (said,) = (each for each in compare_runs([run]).cautions if "metrics.jsonl" in each)
    assert said.startswith("The curves of one/seed-0 are not those of its training")
    run.metrics_file.unlink()
    (said,) = (each for each in compare_runs([run]).cautions if "metrics.jsonl" in each)
    assert said.startswith("No curves")


def test_keys_that_decide_nothing_may_be_edited(run: Run) -> None:
    edit(run, "every: 10", "every: 5")
    assert read(run).message == "" and evaluate(run)


def test_a_run_made_longer_is_what_it_says(run: Run) -> None:
    train(lengthen(run, 0.2, "epochs"), runs=run.root)
    assert run.summary()["config"] == run.recorded.to_dict() and read(run).message == ""


def test_a_summary_of_an_earlier_version_says_nothing_of_it(run: Run) -> None:
    summary = json.loads(run.summary_file.read_text())
    del summary["config"], summary["checksum"], summary["format"]
    run.summary_file.write_text(json.dumps(summary))
    edit(run, "lr: 0.05", "lr: 0.5")
    assert read(run).config["optim.lr"] == 0.5


def test_a_copy_is_no_second_seed(run: Run) -> None:
    copy = Run(run.path.with_name("seed-1"))
    shutil.copytree(run.path, copy.path)
    copy.config_file.write_text(run.config_file.read_text().replace("\nseed: 0\n", "\nseed: 1\n"))
    record = read(copy)
    assert not record.finished and record.message == "a copy of seed 0"
    with pytest.raises(InputError, match=r"seed: 0 -> 1.*; put it back"):
        evaluate(copy)


def edit_unfinished(run: Run) -> None:
    """Let a network of a run that stopped be another one that takes the same weights."""
    run.summary_file.unlink()
    edit(run, "connection: null", "connection: none")


def test_weights_are_not_scored_as_another_network(run: Run) -> None:
    edit_unfinished(run)
    with pytest.raises(
        CheckpointError, match=r"best.pt: of another experiment \(model.connection: None -> none"
    ):
        evaluate(run)


def test_weights_of_another_seed_are_not_the_runs(run: Run) -> None:
    other = train(build_config(CONFIG | {"seed": 1}), runs=run.root)
    shutil.copy(other.checkpoints / "best.pt", run.checkpoints / "best.pt")
    with pytest.raises(CheckpointError, match=r"best.pt: of another experiment \(seed: 1 -> 0"):
        load_model(run)
    run.summary_file.unlink()
    with pytest.raises(CheckpointError, match=r"best.pt: of another experiment \(seed: 1 -> 0"):
        train(build_config(CONFIG), runs=run.root)


def test_best_weights_of_an_earlier_version_say_nothing_of_it(run: Run) -> None:
    state = load(run.checkpoints / "best.pt")
    del state["config"]
    save(run.checkpoints / "best.pt", state)
    edit_unfinished(run)
    assert evaluate(run)
