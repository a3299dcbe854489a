"""Every file in configs/: it loads, its names exist, and a pair differs by the experiment alone."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from skiprun.config.templates import PROTOCOLS, templates
from skiprun.config_file import load_config
from skiprun.experiment import train
from skiprun.experiment.checks import check_names
from skiprun.experiment.sweeps.arms import list_arms
from skiprun.experiment.sweeps.sweep_file import load_sweep, varied_config
from skiprun.models import build_from_config
from skiprun.system.yaml_file import read_yaml
from tests.support import ROOT
from tests.support.command_line import run_here
from tests.support.data_files import image_folder

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
SWEEPS = sorted((ROOT / "configs/sweeps").glob("*.yaml"))
FOR_EDITORS = "# yaml-language-server: $schema=schema.json"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_config_loads_and_its_network_can_be_built(file: Path) -> None:
    import torch

    config = load_config(file)
    check_names(config)
    with torch.device("meta"):
        build_from_config(config.model, num_classes=10, in_channels=3)


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_arm_of_a_sweep_is_a_config(file: Path) -> None:
    Draft202012Validator(json.loads((file.parent / "schema.json").read_text())).validate(read_yaml(file)[0])
    asked = load_sweep(file, None, None, halving=False)
    arms = list_arms(asked)
    assert len({arm.name for arm in arms}) == len(arms) > 1
    for arm in arms:
        check_names(varied_config(asked, file, arm.overrides))


@pytest.mark.parametrize("file", [*CONFIGS, *SWEEPS], ids=lambda file: file.stem)
def test_config_says_what_it_is_its_command_and_what_to_expect(file: Path) -> None:
    header = [line for line in file.read_text().splitlines() if line.startswith("#")]
    assert len(header) >= 4 and header[0] == FOR_EDITORS
    assert any("Command:" in line and "skiprun " in line for line in header)
    assert any("Expect:" in line for line in header)


@pytest.mark.parametrize(
    ("one", "other"),
    [("plain56", "resnet56"), ("plain20", "resnet20"), ("plain20", "plain56"), ("resnet20", "resnet56")],
)
def test_two_configs_of_a_pair_differ_in_one_line(one: str, other: str) -> None:
    before, after = (
        (ROOT / "configs" / f"{name}_cifar.yaml").read_text().splitlines() for name in (one, other)
    )
    changed = [
        line
        for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    assert changed == [f"-model: {{name: {one}}}", f"+model: {{name: {other}}}"]


def test_the_protocol_of_he_2015() -> None:
    config = load_config(ROOT / "configs" / "degradation_cifar.yaml")
    assert (config.optim.name, config.optim.lr, config.optim.momentum, config.optim.weight_decay) == (
        "sgd",
        0.1,
        0.9,
        1e-4,
    )
    assert (config.data.batch_size, config.data.augment.crop, config.data.augment.flip) == (128, 4, True)
    assert (config.schedule.steps, config.schedule.milestones) == (64000, [32000, 48000])


def test_every_config_comes_with_the_package_and_is_no_second_copy() -> None:
    packaged = {file.relative_to(PROTOCOLS): file.resolve() for file in templates().values()}
    assert packaged == {file.relative_to(ROOT / "configs"): file for file in [*CONFIGS, *SWEEPS]}


@pytest.mark.parametrize("file", [*CONFIGS, *SWEEPS], ids=lambda file: file.stem)
def test_a_template_is_the_same_experiment_in_a_file_of_ones_own(file: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    assert run_here("new", file.stem, "own.yaml", folder=tmp_path).returncode == 0
    assert read_yaml(own)[0] == read_yaml(file)[0]
    text = own.read_text()
    assert "# Command:  skiprun " in text and "schema.json" not in text
    assert f"configs/{file.name}" not in text
    assert text.splitlines()[0].endswith((".", "?"))  # `skiprun new` lists it, without what follows
    again = run_here("new", file.stem, "own.yaml", folder=tmp_path)
    assert again.returncode == 2 and "own.yaml is there already" in again.stderr and own.read_text() == text


def test_a_misspelled_template_is_refused_with_the_nearest(tmp_path: Path) -> None:
    refused = run_here("new", "unet_foldr", folder=tmp_path)
    assert refused.returncode == 2 and "Did you mean 'unet_folder'?" in refused.stderr
    assert not [*tmp_path.iterdir()]


def test_a_sweep_of_ones_own_finds_the_packaged_config_that_it_varies(tmp_path: Path) -> None:
    assert run_here("new", "rates_digits", folder=tmp_path).returncode == 0
    path = tmp_path / "rates_digits.yaml"
    config = varied_config(load_sweep(path, None, None, halving=False), path, [])
    assert config.to_dict() == load_config(ROOT / "configs" / "smoke.yaml").to_dict()


def test_the_recipe_of_torchvision_for_imagenet() -> None:
    """The defaults of references/classification/train.py, with 8 processes of 32 images."""
    config = load_config(ROOT / "configs" / "resnet50_imagenet.yaml")
    optim, data, schedule = config.optim, config.data, config.schedule
    assert (optim.name, optim.lr, optim.momentum, optim.weight_decay) == ("sgd", 0.1, 0.9, 1e-4)
    assert (optim.nesterov, optim.label_smoothing, schedule.warmup) == (False, 0.0, 0.0)
    assert (data.batch_size, data.resize_size, data.image_size) == (8 * 32, 256, 224)
    crop = data.augment.random_resized_crop
    assert crop and (crop.scale, crop.ratio) == ([0.08, 1.0], [3 / 4, 4 / 3]) and data.augment.flip
    assert (schedule.kind, schedule.epochs, schedule.milestones, schedule.factor) == (
        "multistep",
        90,
        [30, 60],
        0.1,
    )


def test_the_recipe_for_imagenet_trains_on_a_drawn_set_of_its_layout(tmp_path: Path) -> None:
    wnids = ("n01440764", "n01443537")
    image_folder(tmp_path / "images", wnids, [("train", 6), ("val", 2)], size=(40, 30), suffix=".jpeg")
    small = ["image_size=32", "resize_size=36", "batch_size=4", "val_fraction=0.2"]
    sets = [f"data.root={tmp_path / 'images'}", *(f"data.{each}" for each in small)]
    sets += [
        "schedule.epochs=null",
        "schedule.steps=3",
        "schedule.milestones=[1, 2]",
        "model.name=resnet18",
        "log.tensorboard=false",
    ]
    sets += ["schedule.warmup=1", "optim.label_smoothing=0.1", "compute.device=cpu"]
    config = load_config(ROOT / "configs" / "resnet50_imagenet.yaml", sets)
    run = train(config, runs=tmp_path / "runs")
    data = run.summary()["data"]
    assert (data["train"], data["val"], data["test"]) == (10, 2, 4)
    assert data["image_shape"] == [3, 32, 32] and data["class_names"] == list(wnids)
