"""Every registered architecture trains one step from a YAML file, as `skiprun train` does it."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from skiprun.errors import Diverged
from skiprun.experiment import train
from skiprun.models.options import options_of
from skiprun.registry import MODELS
from tests.models.test_contract import BEYOND_FLOAT32

ALWAYS = {"preact20", "highway20", "densenet_bc_40_12", "mobilenet_v1", "mobilenet_v3_small"}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of noise, 32x32 in two classes."""
    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for name in ("a", "b"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                noise = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(noise).save(folder / split / name / f"{number}.png")
    return folder


def has_masks(name: str) -> bool:
    return MODELS[name].info.task == "segmentation"


def small(name: str) -> dict[str, object]:
    """Return what makes a network small, or fit for small images."""
    options = options_of(MODELS[name].target)
    if "stem" in options:
        return {"stem": "small"}
    return {"width": 8} if has_masks(name) and "width" in options else {}


def described(name: str, images: Path, **model: object) -> dict[str, object]:
    labelled = {"name": "image_folder", "root": str(images), "batch_size": 8, "image_size": 32}
    masked = {"name": "cells", "batch_size": 8}
    return {
        "model": {"name": name, **small(name), **model},
        "data": masked if has_masks(name) else labelled,
        "optim": {"lr": 1e-4, "clip_norm": 1.0},
        "schedule": {"steps": 1},
        "compute": {"device": "cpu"},
        "log": {"tensorboard": False},
    }


TRAINABLE = [name for name in MODELS.names() if name not in BEYOND_FLOAT32]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.slow) for name in TRAINABLE]
)
def test_one_step_from_yaml(name: str, images: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump(described(name, images)))
    run = train(file, runs=tmp_path)
    summary = json.loads(run.summary_file.read_text())
    assert run.state == "finished" and summary["steps"] == 1
    assert np.isfinite(summary["test"]["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(BEYOND_FLOAT32))
def test_a_gradient_beyond_float32_ends_the_run_in_words(name: str, images: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump(described(name, images)))
    with pytest.raises(Diverged, match="not finite"):
        train(file, runs=tmp_path)


def test_skip_surgery_and_a_skip_schedule_train_from_yaml(images: Path, tmp_path: Path) -> None:
    schedule = {"from": 1.0, "to": 0.0, "epochs": [0.0, 0.5]}
    model = {
        "connections": {"0,4-5": "none"},
        "skip_schedule": schedule,
        "norm": "group",
        "activation": "gelu",
    }
    file = tmp_path / "surgery.yaml"
    file.write_text(yaml.safe_dump(described("resnet20", images, **model) | {"schedule": {"steps": 4}}))
    assert train(file, runs=tmp_path).state == "finished"
