"""Folds: every image is tested once over the seeds, by whole subjects, and again in another division."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skiprun.config_file import build_config
from skiprun.data import Loaders, load_data
from skiprun.data.folds import ChosenRows, empty_like
from skiprun.data.source import RawSplit
from skiprun.errors import OptionError
from tests.data.test_subjects import mask_folder, numbers_in
from tests.support.data_files import image_folder, stored

CPU = torch.device("cpu")


def load(seed: int, **data: Any) -> Loaders:
    """Return what the run of a seed sees."""
    plain = {"batch_size": 2, "folds": 5} | data
    model = "unet" if plain["name"] == "mask_folder" else "resnet20"
    document = {"model": {"name": model}, "data": plain, "schedule": {"epochs": 1}, "seed": seed}
    config = build_config(document)
    return load_data(config.data, CPU, split_seed=config.split_seed, fold=config.fold)


def contents(loaders: Loaders, split: str) -> list[bytes]:
    return [image.tobytes() for image in stored(getattr(loaders, split))[0]]


def test_every_image_is_tested_once_and_learned_from_otherwise() -> None:
    runs = [load(seed, name="digits") for seed in range(5)]
    tested = [image for run in runs for image in contents(run, "test")]
    whole = load(0, name="digits", folds=None)
    every = [image for split in ("train", "val", "test") for image in contents(whole, split)]
    assert sorted(tested) == sorted(every)
    for run in runs:
        seen = [image for split in ("train", "val", "test") for image in contents(run, split)]
        assert sorted(seen) == sorted(every)
    assert len({run.fingerprint for run in runs}) == 5


def test_folds_are_stratified_and_a_function_of_the_seed() -> None:
    counts = np.array([np.bincount(stored(load(seed, name="digits").test)[1]) for seed in range(5)])
    assert (counts.max(0) - counts.min(0) <= 1).all()
    assert load(3, name="digits").fingerprint == load(3, name="digits").fingerprint


def test_the_seed_behind_the_last_fold_divides_anew() -> None:
    first, again = (contents(load(seed, name="digits"), "test") for seed in (0, 5))
    assert 0.1 < len(set(first) & set(again)) / len(first) < 0.3  # by chance a fifth
    second = [image for seed in range(5, 10) for image in contents(load(seed, name="digits"), "test")]
    assert len(second) == 1797


@pytest.mark.parametrize("splits", [[("flat", 10)], [("train", 6), ("val", 2), ("test", 2)]])
def test_a_folder_is_pooled_whatever_splits_it_has(splits: list[tuple[str, int]], tmp_path: Path) -> None:
    written = image_folder(tmp_path, counts=splits)
    root = str(tmp_path / "flat") if len(splits) == 1 else str(tmp_path)
    runs = [load(seed, name="image_folder", root=root, val_fraction=0.25) for seed in range(5)]
    tested = [image for run in runs for image in contents(run, "test")]
    assert sorted(tested) == sorted(pixels.tobytes() for pixels in written.values())
    assert [len(run.test) for run in runs] == [4] * 5
    assert runs[0].class_names == ("cat", "dog")
    assert {*stored(runs[0].test)[1]} == {0, 1}


@pytest.mark.parametrize("split", ["train", ""])
def test_masks_and_tiles_stay_with_their_image(split: str, tmp_path: Path) -> None:
    mask_folder(tmp_path, [f"{number}" for number in range(10)], splits=(split,))
    for file in [*tmp_path.glob("train/*/[78].png")]:
        moved = tmp_path / "test" / file.parent.name / file.name
        moved.parent.mkdir(parents=True, exist_ok=True)
        file.rename(moved)
    shown: list[int] = []
    for seed in range(5):
        run = load(seed, name="mask_folder", root=str(tmp_path), image_size=16, fit="tile", val_fraction=0.3)
        test, train, val = (numbers_in(split) for split in (run.test, run.train, run.val))
        assert not test & train and not test & val and not train & val
        images, masks = run.test.take(torch.arange(len(run.test)))
        assert torch.equal(masks > 0, images[:, 0] % 10 > 0)  # as `mask_folder` draws them
        shown += test
    assert sorted(shown) == list(range(10))


def test_images_of_one_subject_are_in_one_fold(tmp_path: Path) -> None:
    written = image_folder(tmp_path, counts=[("all", 20)])
    subjects = {pixels.tobytes(): path[-5] for path, pixels in written.items()}  # ten, of two images a class
    root, shown = str(tmp_path / "all"), []
    for seed in range(5):
        run = load(seed, name="image_folder", root=root, subject=r"(\d)\.png", val_fraction=0.2)
        test = [subjects[image] for image in contents(run, "test")]
        learned = {subjects[image] for split in ("train", "val") for image in contents(run, split)}
        assert not {*test} & learned
        shown += test
    assert sorted(shown) == sorted(subjects.values())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"folds": 7}, "found 7, and there are fewer images of a class"),
        ({"folds": 3, "subject": r"(cat|dog)"}, "found 3, and there are fewer subjects"),
        ({"folds": 2, "subject": r"(cat|dog)"}, "all images of a class are in one of them"),
    ],
)
def test_folds_that_cannot_be_are_refused(data: dict[str, Any], words: str, tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("all", 5)])
    with pytest.raises(OptionError, match=words):
        load(0, name="image_folder", root=str(tmp_path / "all"), **data)


def test_shards_have_none(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="found 5, which dataset 'webdataset' has no use for"):
        load(0, name="webdataset", root=str(tmp_path))


def test_chosen_rows_are_those_of_the_arrays_behind_each_other() -> None:
    arrays = [np.arange(12).reshape(4, 3), np.arange(0), np.arange(100, 109).reshape(3, 3)]
    arrays[1] = arrays[1].reshape(0, 3)
    joined = np.concatenate(arrays)
    index = np.array([6, 0, 3, 4])
    rows = ChosenRows(arrays, index)
    assert rows.shape == (4, 3) and len(rows) == 4 and rows.nbytes == joined[index].nbytes
    for wanted in (np.array([2, 0, 0]), slice(1, 3), slice(None), np.array([True, False, True, False])):
        assert np.array_equal(rows[wanted], joined[index][wanted])
    assert np.array_equal(rows[1], joined[0])


def test_a_split_without_rows_has_their_shape() -> None:
    nothing = empty_like(RawSplit(np.zeros((3, 4, 4, 1), np.uint8), np.zeros(3, np.int64)))
    assert len(nothing) == 0 and nothing.images[:].shape == (0, 4, 4, 1)
