"""Images that are in train and in a scored split, under whatever name: counted, by their pixels."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data import load_data
from skiprun.data.copies import copies
from skiprun.data.loaders import Loaders
from skiprun.data.source import RawSplit
from tests.support.data_files import image_folder

CPU = torch.device("cpu")


def load(root: Path, name: str = "image_folder", **options: Any) -> Loaders:
    return load_data(DataConfig(name=name, root=str(root), **{"batch_size": 2, **options}), CPU)


def test_copies_are_counted_whatever_their_name_and_format(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path, counts=[("train", 10), ("val", 3), ("test", 4)])
    shutil.copy(tmp_path / "train/cat/003.png", tmp_path / "test/dog/other.png")
    Image.open(tmp_path / "train/dog/001.png").save(tmp_path / "test/cat/other.bmp")
    shutil.copy(tmp_path / "train/cat/004.png", tmp_path / "val/cat/000.png")
    for _ in range(2):
        caplog.clear()
        load(tmp_path)
        assert (
            "2 of 10 images in test are in train as well: test/cat/other.bmp, test/dog/other.png."
            in caplog.text
        )
        assert "1 of 6 images in val are in train as well: val/cat/000.png." in caplog.text


def test_copies_within_train_are_counted_where_validation_is_drawn_from_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path, counts=[("train", 10), ("test", 4)])
    for name in ("cat", "dog"):
        for number in range(10):
            shutil.copy(
                tmp_path / f"train/{name}/{number:03}.png", tmp_path / f"train/{name}/{number:03}_copy.png"
            )
    # Two of the four are a pair, whose other image is no longer in train.
    load(tmp_path, val_fraction=0.1)
    assert "2 of 4 images in val are in train as well" in caplog.text


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_image_under_two_classes_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, split: str
) -> None:
    image_folder(tmp_path, counts=[("train", 10), ("val", 3), ("test", 4)])
    load(tmp_path)
    assert "another class" not in caplog.text
    shutil.copy(tmp_path / f"{split}/cat/003.png", tmp_path / f"{split}/cat/copy.png")
    shutil.copy(tmp_path / f"{split}/cat/002.png", tmp_path / f"{split}/dog/copy.png")
    load(tmp_path)
    total = {"train": 22, "test": 10}[split]
    names = f"{split}/cat/002.png, {split}/dog/copy.png"
    assert f"2 of {total} images in {split} are there under another class too: {names}." in caplog.text


@pytest.mark.parametrize("fit", ["resize", "tile"])
def test_of_masks_whole_images_count_not_single_tiles(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fit: str
) -> None:
    for split, number in (("train", 8), ("test", 3)):
        for each in range(number):
            values = np.random.default_rng([each, number]).integers(0, 256, (16, 16)).astype(np.uint8)
            values[:8, :8] = np.arange(8)  # one tile is the same everywhere
            for kind, drawn in (("images", values), ("masks", values & 1)):
                path = tmp_path / split / kind / f"{each}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(drawn).save(path)
    keys: dict[str, Any] = {"name": "mask_folder", "image_size": 8, "fit": fit, "val_fraction": 0.25}
    load(tmp_path, **keys)
    assert "as well" not in caplog.text
    for kind in ("images", "masks"):
        shutil.copy(tmp_path / "test" / kind / "1.png", tmp_path / "train" / kind / "x1.png")
        shutil.copy(tmp_path / "test" / kind / "1.png", tmp_path / "train" / kind / "x2.png")
    load(tmp_path, **keys)
    assert "1 of 3 images in test are in train as well: test/images/1.png." in caplog.text


def test_images_with_the_same_sums_are_told_apart_by_their_pixels() -> None:
    one = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3)).astype(np.uint8)
    turned = RawSplit(one[:, ::-1], np.zeros(3, np.int64), files=["a", "b", "c"])
    assert np.array_equal(turned.moments[:], RawSplit(one, np.zeros(3, np.int64)).moments[:])
    rows = np.arange(3)
    assert copies((turned, rows), (RawSplit(one, np.zeros(3, np.int64)), rows)) == []
    assert copies((turned, rows), (RawSplit(one[1:, ::-1], np.zeros(2, np.int64)), rows[:2])) == ["b", "c"]
