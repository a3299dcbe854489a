"""Validation is taken by whole images, and by whole subjects where a key names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import DataConfig
from skiprun.config_file import build_config
from skiprun.data import Split, load_data
from skiprun.data.assemble import assemble
from skiprun.data.loaders import Loaders
from skiprun.data.partition import stratified_split
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.data.subjects import draw_part, group_labels, group_numbers, subject_of
from skiprun.errors import ConfigError, OptionError
from tests.support.data_files import image_folder, stored

CPU = torch.device("cpu")
EPOCH = {"schedule": {"epochs": 1}}


def load(root: Path | str, split_seed: int = 0, **data: Any) -> Loaders:
    plain = {"name": "mask_folder", "root": str(root), "batch_size": 2, "val_fraction": 0.3} | data
    model = "unet" if plain["name"] == "mask_folder" else "resnet20"
    config = build_config({"model": {"name": model}, "data": plain, "schedule": {"epochs": 1}})
    return load_data(config.data, CPU, split_seed=split_seed)


def mask_folder(
    root: Path, names: Sequence[str], side: int = 32, splits: Sequence[str] = ("train", "test")
) -> Path:
    """Write images of ten greys each, which say whose tile a tile is, with masks of stripes."""
    for split in splits:
        for number, name in enumerate(names):
            half = np.tile(np.where(np.arange(side) % 4 < 2, 0, 255), (side, 1))
            for kind, values in (("images", 10 * number + half // 64), ("masks", half)):
                path = root / split / kind / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values.astype(np.uint8)).save(path)
    return root


def numbers_in(split: Split) -> set[int]:
    """Return the numbers of the images that a split is of, by their greys."""
    return set((split.take(torch.arange(len(split)))[0] // 10).unique().tolist())


def test_tiles_of_one_image_are_on_one_side(tmp_path: Path) -> None:
    loaders = load(mask_folder(tmp_path, [f"{n}" for n in range(10)]), image_size=16, fit="tile")
    train, val = numbers_in(loaders.train), numbers_in(loaders.val)
    assert not train & val and len(train) == 7 and len(val) == 3
    assert (len(loaders.train), len(loaders.val)) == (28, 12)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_seed(tmp_path: Path, seed: int) -> None:
    loaders = load(mask_folder(tmp_path, "abcdef"), image_size=8, fit="tile", split_seed=seed)
    assert not numbers_in(loaders.train) & numbers_in(loaders.val)


def test_samples_of_one_file_are_on_one_side_whatever_the_dataset() -> None:
    """A dataset of a plug-in says by `files` which of its samples are of one image."""
    images = np.repeat(10 * np.arange(12, dtype=np.uint8), 2)[:, None, None, None] * np.ones(
        (1, 8, 8, 1), np.uint8
    )
    masks = np.tile(np.array([0, 1], np.uint8), (24, 8, 4))
    files = [f"volume-{number // 4}" for number in range(24)]
    source = RawDataset(
        RawSplit(images, masks, files=files), RawSplit(images, masks), ("no", "yes"), task="segmentation"
    )
    request = DataRequest(name="cells", batch_size=2, val_fraction=0.3)
    loaders = assemble(source, request, CPU)
    sides = [{number // 2 for number in numbers_in(split)} for split in (loaders.train, loaders.val)]
    assert not sides[0] & sides[1] and (len(loaders.train), len(loaders.val)) == (16, 8)


def test_without_tiles_the_split_is_as_it_was(tmp_path: Path) -> None:
    """Ten images that stand alone: the rows that seed 0 has always taken."""
    loaders = load(mask_folder(tmp_path, [f"{n}" for n in range(10)]))
    _, part = stratified_split(np.zeros(10, np.int64), 3, 0)
    assert numbers_in(loaders.val) == set(part.tolist())


def test_images_of_one_subject_are_on_one_side(tmp_path: Path) -> None:
    names = [f"p{patient}_{slice_}" for patient in range(5) for slice_ in range(4)]
    loaders = load(mask_folder(tmp_path, names), subject=r"(p\d+)_", val_fraction=0.4)
    sides = [{number // 4 for number in numbers_in(split)} for split in (loaders.train, loaders.val)]
    assert not sides[0] & sides[1] and [len(side) for side in sides] == [3, 2]


def test_subjects_of_a_folder_of_labels_are_on_one_side(tmp_path: Path) -> None:
    written = image_folder(tmp_path)
    loaders = load(tmp_path, name="image_folder", subject=r"/00[0-4]|/00[5-9]", val_fraction=0.5)
    assert len(loaders.train) + len(loaders.val) == 20 and len(written) == 28
    loaders = load(tmp_path, name="image_folder", subject=r"/(\d+)\.png", val_fraction=0.2)
    pixels = {pixels.tobytes(): path.split("/")[-1] for path, pixels in written.items()}
    sides = []
    for split in (loaders.train, loaders.val):
        images = split.take(torch.arange(len(split)))[0].permute(0, 2, 3, 1).numpy()
        sides.append({pixels[image.tobytes()] for image in images})
    assert not sides[0] & sides[1] and [len(side) for side in sides] == [8, 2]


def test_a_flat_folder_is_tested_on_other_subjects(tmp_path: Path) -> None:
    written = image_folder(tmp_path / "there", counts=[("train", 10)])
    pixels = {pixels.tobytes(): path.split("/")[-1] for path, pixels in written.items()}
    loaders = load(
        tmp_path / "there" / "train", name="image_folder", subject=r"/(\d+)\.png", test_fraction=0.3
    )
    sides = []
    for split in (loaders.train, loaders.val, loaders.test):
        images = split.take(torch.arange(len(split)))[0].permute(0, 2, 3, 1).numpy()
        sides.append({pixels[image.tobytes()] for image in images})
    assert len(sides[2]) == 3 and len(set.union(*sides)) == sum(map(len, sides)) == 10


def test_subjects_of_given_splits_that_are_in_both_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(mask_folder(tmp_path, ["a_1", "a_2", "b_1", "c_1"]), subject="^.*/(.)_", val_fraction=0.3)
    assert "2 of 3 subjects in test are in train as well: a, b." in caplog.text


def test_a_path_without_a_subject_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"matches nothing in train/images/x.png"):
        load(mask_folder(tmp_path, ["p1", "p2", "x"]), subject=r"p(\d)")


def test_subjects_of_a_dataset_without_files_are_refused() -> None:
    with pytest.raises(OptionError, match="subject: found p, which dataset 'digits' has no use for"):
        load_data(DataConfig(name="digits", subject="p"), CPU)


def test_a_pattern_that_is_none_is_refused_in_the_config() -> None:
    with pytest.raises(ConfigError, match=r"data.subject.*is no regular expression"):
        load("", subject="(p")


def test_too_few_subjects_are_refused_in_numbers(tmp_path: Path) -> None:
    names = [f"p{patient}_{slice_}" for patient in range(2) for slice_ in range(4)]
    with pytest.raises(OptionError, match=r"less than one of 2 subjects; use 0\.5 or more"):
        load(mask_folder(tmp_path, names), subject=r"p\d", val_fraction=0.2)


def test_a_subject_is_the_first_group_or_all_that_matches() -> None:
    assert subject_of("train/images/p12_3.png", r"p\d+") == "p12"
    assert subject_of("train/images/p12_3.png", r"p(\d+)_(\d)") == "12"


def test_groups_are_numbered_as_they_come() -> None:
    assert group_numbers(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert group_numbers(["b", "a"]) is None and group_numbers(None) is None
    rest, part = draw_part(np.zeros(6, np.int64), np.array([0, 0, 0, 1, 1, 2]), 0.34, 0)
    assert sorted([*rest, *part]) == list(range(6))


def test_a_class_that_only_one_subject_shows_is_not_lost_to_validation() -> None:
    with pytest.raises(ValueError, match="leave a class without any"):
        for seed in range(20):
            draw_part(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 0.5, seed)


SUBJECTS = np.repeat(np.arange(24), 5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("counts", [(12, 12), (21, 3), (8, 8, 8)], ids=str)
def test_subjects_of_one_label_each_are_drawn_stratified(
    counts: tuple[int, ...], share: float, seed: int
) -> None:
    of_subjects = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    labels = of_subjects[SUBJECTS]
    _, part = draw_part(labels, SUBJECTS, share, seed)
    shown = np.bincount(labels[part], minlength=len(counts)) / 5
    number = round(share * 24)
    assert shown.sum() == number and (np.abs(shown - np.array(counts) * number / 24) <= 1).all()
    assert shown.all() or number < len(counts)


def test_subjects_of_several_labels_are_drawn_by_the_one_that_is_rare() -> None:
    """All are healthy in most images, four are ill in one: two of those are in each half."""
    labels = np.zeros(len(SUBJECTS), np.int64)
    labels[[0, 5, 10, 15]] = 1
    assert group_labels(labels, SUBJECTS).tolist() == [1] * 4 + [0] * 20
    for seed in range(10):
        assert labels[draw_part(labels, SUBJECTS, 0.5, seed)[1]].sum() == 2


def test_groups_that_all_show_one_label_are_drawn_as_ever() -> None:
    """Tiles of images with masks: the groups that seed 3 has always taken."""
    _, part = draw_part(np.zeros(len(SUBJECTS), np.int64), SUBJECTS, 0.25, 3)
    assert sorted({*SUBJECTS[part].tolist()}) == stratified_split(np.zeros(24, np.int64), 6, 3)[1].tolist()


def test_a_class_that_is_not_scored_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One of three classes is of one patient, who is trained on."""
    for number, (label, patient) in enumerate(
        [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 5), ("b", 6), ("c", 7)]
    ):
        for view in range(2):
            path = tmp_path / label / f"p{patient}_{view}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 8), [0, 90 + 9 * number + view] * 4, np.uint8)).save(path)
    keys: dict[str, Any] = {"subject": r"(p\d)_", "test_fraction": 0.3, "val_fraction": 0.4}
    loaders = load(tmp_path, name="image_folder", **keys)
    assert [sorted({*stored(split)[1]}) for split in (loaders.train, loaders.val, loaders.test)] == [
        [0, 1, 2],
        [0, 1],
        [0, 1],
    ]
    for split in ("val", "test"):
        assert f"1 of 3 classes have no image in {split}, whose scores say nothing of them: c." in caplog.text
