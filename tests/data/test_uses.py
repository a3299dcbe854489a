"""Keys that nothing would look at are refused to a new experiment, everywhere; earlier runs stay readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import DataConfig
from skiprun.data import load_data, loading
from skiprun.data.uses import USED_BY, uses
from skiprun.errors import ConfigError, InputError, OptionError
from skiprun.experiment import (
    ComparisonRequest,
    checks,
    evaluate,
    plan_comparison,
    prepare,
    train,
    train_missing,
)
from skiprun.experiment.replay import replay
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.registry import DATASETS
from skiprun.run import Run
from tests.support import CONFIGS
from tests.support.data_files import image_folder
from tests.support.tiny import tiny_config

CPU = torch.device("cpu")
USED_BY_ALL = {"name", "batch_size", "image_size", "augment"}
VALUES: dict[str, Any] = {
    "root": "nowhere",
    "download": True,
    "val_fraction": 0.3,
    "folds": 5,
    "test_fraction": 0.3,
    "resize_size": 9,
    "fit": "resize",
    "background": "black",
    "classes": ["a", "b"],
    "only_classes": ["a", "b"],
    "ignore_index": 0,
    "instances": True,
    "image_dir": "frames",
    "mask_dir": "labels",
    "mask_suffix": "_m",
    "subject": "p",
    "border_weight": 10.0,
    "skip_bad": True,
}


def test_of_every_key_it_is_said_who_uses_it() -> None:
    assert {*USED_BY} | USED_BY_ALL == {*DataConfig.model_fields}
    assert {*USED_BY} == {*VALUES}
    for key in USED_BY:
        assert {uses(entry.name, key) for entry in DATASETS} == {True, False}, key


@pytest.mark.parametrize("name", DATASETS.names())
def test_a_dataset_refuses_the_keys_that_it_has_no_use_for(name: str) -> None:
    for key in USED_BY:
        if not uses(name, key):
            with pytest.raises(
                OptionError, match=rf"^{key}: found .* '{name}' has no use for; it is for .*Leave it out"
            ):
                load_data(DataConfig(name=name, **{key: VALUES[key]}), CPU)


def test_a_fit_needs_a_size() -> None:
    with pytest.raises(OptionError, match=r"fit: found pad, and no size to come to; set data\.image_size"):
        load_data(DataConfig(name="image_folder", root="x", fit="pad"), CPU)


DICE: dict[str, Any] = {"model": {"name": "unet"}, "segmentation": {"loss": "dice"}}
UNUSED: dict[str, dict[str, Any]] = {
    "data.root": {"data": {"name": "digits", "batch_size": 16, "root": "nowhere"}},
    "data.skip_bad": {"data": {"name": "digits", "batch_size": 16, "skip_bad": True}},
    "segmentation.loss": {"segmentation": {"loss": "dice"}},
    "schedule.milestones": {"schedule": {"epochs": 2, "milestones": [1]}},
    "schedule.factor": {"schedule": {"epochs": 2, "factor": 0.5}},
    "model.download_weights": {"model": {"name": "resnet20", "download_weights": True}},
    "data.border_weight": DICE | {"data": {"name": "cells", "border_weight": 10.0}},
    "optim.label_smoothing": DICE | {"data": {"name": "cells"}, "optim": {"label_smoothing": 0.1}},
}


@pytest.mark.parametrize("key", UNUSED)
def test_python_refuses_what_nothing_looks_at_before_anything_is_written(key: str, tmp_path: Path) -> None:
    for door in (prepare, lambda config: train(config, runs=tmp_path / "runs")):
        with pytest.raises(ConfigError, match=rf"^{key}: found"):
            door(tiny_config(**UNUSED[key]))
    assert not [*tmp_path.rglob("*.yaml")]


@pytest.mark.parametrize(
    "command",
    [
        "train configs/smoke.yaml",
        "compare plain20 resnet20",
        "doctor configs/smoke.yaml",
        "evaluate weights.pt --model resnet20 --data digits",
        "gradflow resnet20",
    ],
)
def test_commands_refuse_a_root_of_data_that_lies_in_no_folder(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(1)}, "weights.pt")
    words = command.replace("configs/", f"{CONFIGS}/").split()
    found = CliRunner().invoke(app, [*words, "--root", "nowhere"], env={"COLUMNS": "1000"})
    told = found.output if "doctor" in command else str(found.exception)
    assert "found nowhere, which dataset 'digits' has no use for" in " ".join(told.split())
    assert not [*tmp_path.rglob("config.yaml")]


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run of a version that passed such keys over."""
    passed_over = {"root": "nowhere", "skip_bad": True, "test_fraction": 0.5, "ignore_index": 0}
    config = tiny_config(
        data={"name": "digits", "batch_size": 16} | passed_over,
        segmentation={"loss": "dice"},
        schedule={"steps": 8, "milestones": [4]},
    )
    with monkeypatch.context() as earlier:
        earlier.setattr(checks, "refuse_unused", lambda config: None)
        earlier.setattr(loading, "refuse_unused_data_keys", lambda config: None)
        return train(config, runs=tmp_path)


def test_an_earlier_run_with_such_keys_is_scored_replayed_studied_and_continued(
    older: Run, tmp_path: Path
) -> None:
    scores = older.summary()["test"]
    assert evaluate(older) == pytest.approx(scores)
    with pytest.raises(
        InputError, match=r"--root .*: dataset 'digits' of .* lies in no folder; leave it out"
    ):
        evaluate(older, root=tmp_path)
    assert replay(older, 2).differs is None
    for weights in ("best", "initial"):
        StudyInputs(find_trained(["run"], tmp_path)[0], SampleSelection(weights=weights))
    older.summary_file.unlink()
    train_missing(plan_comparison(ComparisonRequest(["run"], runs=tmp_path)), tmp_path)
    assert older.summary()["test"] == scores


@pytest.mark.parametrize(
    ("splits", "unused"),
    [
        (("train", "test"), {"data.test_fraction 0.5"}),
        (
            ("train", "val", "test"),
            {"data.test_fraction 0.5", "data.val_fraction 0.3", "seeds.split 3"},
        ),
    ],
)
def test_what_a_folder_with_splits_leaves_no_choice_in_is_said(
    splits: tuple[str, ...], unused: set[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path, ("a", "b"), tuple((split, 6) for split in splits))
    chosen: dict[str, Any] = {"test_fraction": 0.5, "val_fraction": 0.3}
    config = DataConfig(name="image_folder", root=str(tmp_path), batch_size=2, **chosen)
    load_data(config, CPU, split_seed=3)
    assert {line.split(" is not used")[0] for line in caplog.messages if " is not used" in line} == unused
