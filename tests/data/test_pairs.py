"""Which files are an image and its mask, which are not used and told, and which way up they were drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.datasets.mask_folder import split_pairs
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.pairs import list_pairs
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.errors import BadImage, InputError, OptionError
from skiprun.experiment.doctor import examine

CPU = torch.device("cpu")
DATA = DataRequest(name="mask_folder", subject="(p.)_", test_fraction=0.4)


def config_of(root: Path, **data: Any) -> RunConfig:
    plain = {"name": "mask_folder", "root": str(root), "batch_size": 2, "val_fraction": 0.25} | data
    model = {"name": "unet", "width": 2, "depth": 2}
    return build_config(
        {"model": model, "data": plain, "schedule": {"epochs": 1}, "log": {"tensorboard": False}}
    )


def load(root: Path, **data: Any) -> Loaders:
    return load_data(config_of(root, **data).data, CPU)


def image_of(number: int, height: int = 12, width: int = 12) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (height, width)).astype(np.uint8)


def draw(path: Path, values: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)


def pair(root: Path, split: str, name: str, number: int, mask: None = None, ending: str = "png") -> None:
    """Write an image and its mask, whose object is where the image is bright."""
    draw(root / split / "images" / f"{name}.{ending}", image_of(number))
    draw(
        root / split / "masks" / f"{mask or name}.png",
        np.where(image_of(number) > 127, 255, 0).astype(np.uint8),
    )


def test_a_folder_without_splits_is_split_by_images_or_by_whole_subjects(tmp_path: Path) -> None:
    for each in range(10):
        pair(tmp_path, "", f"p{each // 2}_{each}", each)
    loaders = load(tmp_path, test_fraction=0.3)
    assert [len(split) for split in (loaders.train, loaders.val, loaders.test)] == [5, 2, 3]
    drawn = split_pairs(list_pairs(tmp_path, DATA)[FLAT], DATA, "there")
    subjects = {split: {each.image.name[:2] for each in drawn[split]} for split in drawn}
    assert len(drawn["test"]) == 4 and not subjects["train"] & subjects["test"]


@pytest.mark.parametrize("split", ["", "train"])
def test_folders_may_have_other_names_or_be_one(split: str, tmp_path: Path) -> None:
    for each in range(8):
        for part in (split, "test" if split else ""):
            pair(tmp_path, part, f"p{each}", each)
    expected = load(tmp_path).fingerprint
    for place in tmp_path.rglob("images"):
        place.rename(place.with_name("frames"))
        place.with_name("masks").rename(place.with_name("labels"))
    assert load(tmp_path, image_dir="frames", mask_dir="labels").fingerprint == expected
    for place in tmp_path.rglob("labels"):
        for mask in place.iterdir():
            mask.rename(place.parent / f"{mask.stem}_mask.png")
            image = place.with_name("frames") / mask.name
            image.rename(place.parent / mask.name)
    found = load(tmp_path, image_dir=".", mask_dir=".", mask_suffix="_mask")
    assert found.fingerprint == expected


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"mask_dir": "a/b"}, "mask_dir: found 'a/b'; it is the name of a folder"),
        ({"image_dir": ".."}, "image_dir: found '..'; it is the name of a folder"),
        ({"mask_dir": "."}, "both are, or neither"),
        ({"mask_dir": "images"}, "mask_suffix: not set, and images and masks lie in one folder"),
    ],
)
def test_folders_that_cannot_be_meant_are_refused(keys: dict[str, str], said: str, folder: Path) -> None:
    with pytest.raises(OptionError, match=re.escape(said)):
        load(folder, **keys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split, number in (("train", 8), ("test", 3)):
        for each in range(number):
            pair(tmp_path, split, f"p{each}", each)
    return tmp_path


def test_masks_without_an_image_are_counted_by_name(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("lost", "gone"):
        draw(folder / "train" / "masks" / f"{name}.png", image_of(0))
    assert len(load(folder).train) == 6
    assert "Not used: 2 of 10 masks of train, which have no image: train/masks/gone.png" in caplog.text


def test_what_lies_beside_is_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "notes").mkdir()
    (folder / "train" / "labels").mkdir()
    (folder / "train" / "masks" / "p1.json").write_text("{}")
    (folder / "test" / "images" / ".hidden.png").write_bytes(b"")
    load(folder)
    assert all(word in caplog.text for word in ("1 .json", "train/labels", "notes", "hidden: 1"))


def test_deeper_folders_are_read_and_paired_by_their_paths(folder: Path) -> None:
    """One name in two folders is two images."""
    for number, name in enumerate(("a/x", "b/x"), 20):
        pair(folder, "test", name, number)
    loaders = load(folder)
    images, masks = loaders.test.take(torch.arange(5))
    assert len(loaders.test) == 5 and torch.equal(masks, (images[:, 0] > 127).to(torch.uint8))


@pytest.mark.parametrize("ending", ["jfif", "jpe", "tga", "dib"])
def test_every_ending_that_can_be_read_is_read(folder: Path, ending: str) -> None:
    for path in (folder / "train" / "images").iterdir():
        Image.open(path).convert("RGB").save(path.with_suffix(f".{ending}"))
        path.unlink()
    assert len(load(folder).train) == 6


def test_an_image_whose_mask_lies_elsewhere_is_refused_with_the_cause(folder: Path) -> None:
    (folder / "train" / "images" / "more").mkdir()
    (folder / "train" / "images" / "p3.png").rename(folder / "train" / "images" / "more" / "p3.png")
    with pytest.raises(
        BadImage, match=r"more/p3.png has no mask in .*A mask lies below masks/ where its image lies"
    ):
        load(folder)
    assert len(load(folder, skip_bad=True).train) == 5


def test_names_of_masks_that_are_longer_are_paired_by_key(folder: Path) -> None:
    for path in folder.rglob("masks/*.png"):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    with pytest.raises(BadImage, match=r"p0.png has no mask .*nor have 7 others.*set data.mask_suffix=_mask"):
        load(folder)
    masks = load(folder, mask_suffix="_mask").test.take(torch.arange(3))[1]
    assert masks[2].tolist() == (image_of(2) > 127).astype(int).tolist()


def test_a_mask_without_the_suffix_is_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for path in folder.rglob("masks/*.png"):
        path.rename(path.with_stem(f"{path.stem}_mask"))
    draw(folder / "train" / "masks" / "p1.png", image_of(0))
    load(folder, mask_suffix="_mask")
    assert "Not used: 1 of 9 masks of train" in caplog.text


@pytest.mark.parametrize(("name", "right"), [("validation", "val"), ("Testing", "test")])
def test_a_folder_whose_name_comes_near_a_split_is_refused(folder: Path, name: str, right: str) -> None:
    pair(folder, name, "p0", 0)
    with pytest.raises(InputError, match=f"{name} would not be read.*{right}"):
        load(folder)


def test_a_folder_of_masks_of_another_name_is_refused_with_the_right_one(folder: Path) -> None:
    (folder / "train" / "masks").rename(folder / "train" / "mask")
    with pytest.raises(InputError, match=r"train/masks: there is no such folder. Did you mean 'mask'"):
        load(folder)


# Orientation tags.


def tagged(folder: Path, tag: int, height: int, width: int, as_shown: bool) -> None:
    """Write images with a tag, and masks drawn on the pixels as they are stored or as they are shown."""
    for path in list(folder.rglob("images/*.png")):
        exif = Image.Exif()
        exif[0x0112] = tag
        draw(path.with_suffix(".jpg"), image_of(0, height, width), exif=exif)
        shape = (width, height) if as_shown and tag > 4 else (height, width)
        mask = np.zeros(shape, np.uint8)
        mask[:3] = 255
        draw(path.parents[1] / "masks" / path.name, mask)
        assert Image.open(path.with_suffix(".jpg")).getexif()[0x0112] == tag
        path.unlink()


@pytest.mark.parametrize("tag", [5, 6, 7, 8])
def test_masks_drawn_on_stored_pixels_are_refused_with_the_tag(folder: Path, tag: int) -> None:
    tagged(folder, tag, 8, 12, as_shown=False)
    with pytest.raises(
        InputError, match=rf"p0.png has the size .*orientation tag {tag} of .*90 degrees.*the same tag"
    ):
        load(folder)


@pytest.mark.parametrize(("tag", "height"), [(2, 8), (3, 8), (4, 8), (6, 12), (8, 12)])
def test_where_the_size_does_not_tell_the_tag_is_refused(folder: Path, tag: int, height: int) -> None:
    tagged(folder, tag, height, 12, as_shown=False)
    with pytest.raises(
        InputError, match=rf"may have been drawn with or without the orientation tag {tag} of"
    ):
        load(folder)
    failed = [check.finding for check in examine(config_of(folder), folder / "runs") if check.state == "fail"]
    assert len(failed) == 1 and f"orientation tag {tag}" in failed[0]


def test_masks_drawn_as_images_are_shown_are_read(folder: Path) -> None:
    tagged(folder, 6, 8, 12, as_shown=True)
    assert load(folder).image_shape == (1, 12, 8)


def test_masks_with_the_tag_of_their_images_are_turned_with_them(folder: Path) -> None:
    tagged(folder, 3, 8, 12, as_shown=False)
    for path in folder.rglob("masks/*.png"):
        exif = Image.Exif()
        exif[0x0112] = 3
        image = Image.open(path)
        image.load()
        image.save(path, exif=exif)
    masks = load(folder).test.take(torch.tensor([0]))[1][0]
    assert masks[-3:].all() and not masks[:-3].any()
