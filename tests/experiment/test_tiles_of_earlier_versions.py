"""Runs of versions that drew validation tile by tile: scored and continued on their split, and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import OtherData
from skiprun.experiment import evaluate, train
from skiprun.experiment.longer import lengthen
from skiprun.experiment.replay import replay
from skiprun.run import Run
from tests.support.compare import timeless


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    """A small U-Net on tiles of images that hold four each; no folder for validation."""
    noise = np.random.default_rng(0)
    for split, number in (("train", 6), ("test", 2)):
        for kind in ("images", "masks"):
            (tmp_path / split / kind).mkdir(parents=True)
        for name in range(number):
            image = noise.integers(0, 255, (24, 24), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / split / "images" / f"{name}.png")
            Image.fromarray(((image > 128) * 255).astype(np.uint8)).save(
                tmp_path / split / "masks" / f"{name}.png"
            )
    data = {"name": "mask_folder", "root": str(tmp_path), "image_size": 16, "fit": "tile", "batch_size": 4}
    return build_config(
        {
            "name": "tiles",
            "model": {"name": "unet", "width": 4, "depth": 2},
            "data": data | {"val_fraction": 0.25},
            "optim": {"name": "adamw", "lr": 0.001},
            "schedule": {"kind": "constant", "steps": 4},
            "compute": {"device": "cpu", "precision": "fp32"},
            "log": {"tensorboard": False},
        }
    )


@pytest.fixture
def run(config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run as an earlier version made it, for which each tile was an image of its own."""
    with monkeypatch.context() as earlier:
        earlier.setattr("skiprun.data.assemble.subject_names", lambda *given: None)
        return train(config, runs=tmp_path / "runs")


def test_it_is_scored_on_its_own_split_and_the_change_is_said(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    summary = run.summary()
    assert evaluate(run, split="test") == summary["test"]
    assert sum("drew tiles for validation, not images" in line for line in caplog.messages) == 1
    assert evaluate(run, split="val") == summary["best"]["val"]


def test_it_is_replayed_and_made_longer_with_the_same_bits(
    run: Run, config: RunConfig, tmp_path: Path
) -> None:
    assert replay(run, 2).differs is None
    train(lengthen(run, 8, "steps"), runs=tmp_path / "runs")
    ends = [timeless(row) for row in run.rows() if row.get("epoch_end")]
    assert [row["step"] for row in ends][-1] == 8 and run.summary()["data"]["fingerprint"] == fingerprint_of(
        run
    )


def fingerprint_of(run: Run) -> str:
    return str(run.sessions()[0]["data"]["fingerprint"])


def test_other_images_are_other_data_still(run: Run, config: RunConfig) -> None:
    image = next((Path(str(config.data.root)) / "test" / "images").iterdir())
    Image.fromarray(255 - np.asarray(Image.open(image))).save(image)
    with pytest.raises(OtherData):
        evaluate(run)


def test_a_new_run_is_split_by_image(config: RunConfig, run: Run, tmp_path: Path) -> None:
    new = train(config.replace(name="new"), runs=tmp_path / "runs")
    assert new.summary()["data"]["fingerprint"] != fingerprint_of(run)
    assert new.summary()["data"]["val"] % 4 == 0
