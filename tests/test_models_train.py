"""Every registered classifier trains one step from a YAML file, as `skiprun train` does it."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from skiprun.experiment import train
from skiprun.models.options import options_of
from skiprun.registry import MODELS
from tests.test_models_contract import BEYOND_FLOAT32

ALWAYS = {"preact20", "highway20", "densenet_bc_40_12", "mobilenet_v1", "mobilenet_v3_small"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of noise, 32x32 in two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for name in ("a", "b"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                noise = generator.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(noise).save(folder / split / name / f"{number}.png")
    return folder


def described(name: str, pictures: Path, **model: object) -> dict[str, object]:
    small = {"stem": "small"} if "stem" in options_of(MODELS[name].thing) else {}
    return {
        "model": {"name": name, **small, **model},
        "data": {"name": "image_folder", "root": str(pictures), "batch_size": 8, "image_size": 32},
        "optim": {"lr": 1e-4, "clip_norm": 1.0},
        "schedule": {"steps": 1},
        "device": "cpu",
        "log": {"tensorboard": False},
    }


CLASSIFIERS = [entry.name for entry in MODELS if "task" not in entry.facts and entry.name not in BEYOND_FLOAT32]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.slow) for name in CLASSIFIERS]
)
def test_one_step_from_yaml(name: str, pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump(described(name, pictures)))
    run = train(file, runs=tmp_path)
    summary = json.loads(run.summary_file.read_text())
    assert run.state == "finished" and summary["steps"] == 1
    assert np.isfinite(summary["test"]["loss"])


def test_skip_surgery_and_a_skip_schedule_train_from_yaml(pictures: Path, tmp_path: Path) -> None:
    schedule = {"from": 1.0, "to": 0.0, "epochs": [0.0, 0.5]}
    model = {"connections": {"0,4-5": "none"}, "skip_schedule": schedule, "norm": "group", "activation": "gelu"}
    file = tmp_path / "surgery.yaml"
    file.write_text(yaml.safe_dump(described("resnet20", pictures, **model) | {"schedule": {"steps": 4}}))
    assert train(file, runs=tmp_path).state == "finished"
