"""A look at a dataset before training: counts, what the files are, and what is suspicious."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiprun.config import DataConfig
from skiprun.experiment.data_survey.image_files import ImageFiles, read_heads
from skiprun.results.test_images import error_step, standard_error, told_apart
from tests.support.command_line import run_here


def paint(file: Path, shade: int, size: tuple[int, int] = (16, 12), seed: int = 0) -> None:
    """Write a noisy image of about this shade."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(shade, 20, (size[1], size[0], 3))
    Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(file)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, of which one is dark, larger and rare, with a copy in test and a file that is no image."""
    root = tmp_path_factory.mktemp("survey") / "own"
    for number in range(40):
        paint(root / "train" / "light" / f"{number}.png", 180, seed=number)
    for number in range(10):
        paint(root / "train" / "dark" / f"{number}.png", 60, (300, 300), seed=number)
    for number in range(5):
        paint(root / "test" / "light" / f"{number}.png", 180, seed=100 + number)
        paint(root / "test" / "dark" / f"{number}.png", 60, (300, 300), seed=number)  # those of train
    (root / "train" / "light" / "broken.png").write_bytes(b"no image")
    return root


def survey(*words: str, folder: Path) -> dict:
    done = run_here("data", *words, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_counts_by_split_and_class_and_says_what_is_suspicious(own: Path, tmp_path: Path) -> None:
    found = survey(str(own), "data.image_size=32", folder=tmp_path)
    assert found["data"]["class_names"] == ["dark", "light"]
    assert found["images"] == {"train": [9, 36], "val": [1, 4], "test": [5, 5]}
    assert found["files"]["sizes"][0] == {"width": 16, "height": 12, "files": 45}
    suspicious = "\n".join(each["text"] for each in found["remarks"] if each["suspicious"])
    for words in (
        "A run of this config stops: ",
        "broken.png is not a readable image",
        "Left out 1 of 61 images",
        " of 10 images in test are in train as well",
        "light has 4.0 times the training images of dark",
        "1 of 2 classes have less than 20 training images: dark 9.",
        "Size and mode of the files alone tell 100 % of them right, the largest class 75 %",
        "Mean and spread of the colours alone tell 100 % of train right (cross-validated)",
        "Images of up to 300 pixels are brought to 32",
    ):
        assert words in suspicious
    others = "\n".join(each["text"] for each in found["remarks"] if not each["suspicious"])
    assert "45 of 60 images are smaller than 32 pixels: enlarged." in others
    assert "One of 10 test images is 10 points of error." in others


def test_it_writes_the_examples_and_says_where(own: Path, tmp_path: Path) -> None:
    done = run_here("data", str(own), "data.image_size=32", folder=tmp_path)
    picture = Path("runs/data/own/examples.png")
    assert f"Picture: {picture}" in done.stderr
    assert (
        "Suspicious: " in done.stdout
        and "61 files, 2 sizes in 60 of them: 16x12 (45), 300x300 (15)." in done.stdout
    )
    with Image.open(tmp_path / picture) as drawn:
        assert drawn.width > 3 * drawn.height  # eight images beside each other, of two classes
    kept = json.loads((tmp_path / "runs/data/own/data.json").read_text())
    assert kept["picture"] == str(picture)


def test_a_config_or_a_dataset_is_looked_at_as_a_run_would(tmp_path: Path) -> None:
    digits = survey("digits", folder=tmp_path)
    assert [sum(digits["images"][split]) for split in ("train", "val", "test")] == [1293, 144, 360]
    assert digits["files"] is None and not any(each["suspicious"] for each in digits["remarks"])
    (tmp_path / "two.yaml").write_text(
        "model: {name: resnet20}\ndata: {name: digits, only_classes: ['3', '5']}\nschedule: {epochs: 1}\n"
    )
    two = survey("two.yaml", "data.val_fraction=0.5", folder=tmp_path)
    assert two["data"]["class_names"] == ["3", "5"] and two["data"]["val"] == pytest.approx(147, abs=1)


def test_masks_are_counted_by_the_images_and_pixels_that_have_a_class(tmp_path: Path) -> None:
    for split, number in (("train", 6), ("test", 2)):
        for each in range(number):
            paint(tmp_path / "own" / split / "images" / f"{each}.png", 100, (32, 32), seed=each)
            mask = np.zeros((32, 32), np.uint8)
            mask[:2, : 1 + each] = 255
            place = tmp_path / "own" / split / "masks" / f"{each}.png"
            place.parent.mkdir(exist_ok=True)
            Image.fromarray(mask).save(place)
    found = survey("own", "data.image_size=null", folder=tmp_path)
    assert found["images"]["train"] == [5, 5] and found["images"]["test"] == [2, 2]
    texts = [each["text"] for each in found["remarks"]]
    assert any(text.startswith("background is 99.") for text in texts)
    assert any(text.startswith("Less than 1 % of the training pixels are object 0.") for text in texts)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digitz"], "digitz: there is no such file, folder or dataset. Did you mean 'digits'?"),
        (["digits", "cells"], "Name one config, folder or dataset; found digits, cells."),
        (["digits", "data.val_fraction=2"], "data.val_fraction"),
        (["cifar10"], "cifar10"),
        (["empty"], "empty"),
    ],
)
def test_what_cannot_be_read_is_told(words: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run_here("data", *words, folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_kind_of_file_tells_a_class_by_the_others_of_its_kind_alone() -> None:
    alone = ImageFiles(3, [(1, 1, "L"), (2, 2, "L"), (3, 3, "L")], [0, 1, 2])
    assert alone.told_by_kind == 0  # each size has one file
    apart = ImageFiles(4, [(1, 1, "L"), (1, 1, "L"), (1, 1, "RGB"), (1, 1, "RGB")], [0, 0, 1, 1])
    assert apart.told_by_kind == 1 and apart.largest_class == 0.5
    mixed = ImageFiles(4, [(1, 1, "L")] * 4, [0, 1, 0, 1])
    assert mixed.told_by_kind == 0


def test_the_noise_of_test_images_is_the_binomials() -> None:
    assert error_step(360) == pytest.approx(0.2778, abs=1e-4)
    assert standard_error(10, 900) == pytest.approx(1)
    assert told_apart(10, 900) == pytest.approx(1.96 * math.sqrt(2))


def test_only_folders_have_files() -> None:
    assert read_heads(DataConfig(name="digits")) is None
