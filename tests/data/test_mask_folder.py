"""Images with masks from files: every format, size and depth, and every way in which they can be wrong."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.borders import VOID
from skiprun.data.folders.masks import starts
from skiprun.data.loaders import Loaders
from skiprun.errors import BadImage, DataNotFound, InputError, OptionError
from skiprun.experiment.data_record import describe_data
from skiprun.inference.network_input import read_any_size

CPU = torch.device("cpu")


def config_of(root: Path, **data: Any) -> RunConfig:
    plain = {"name": "mask_folder", "root": str(root), "batch_size": 2, "val_fraction": 0.25} | data
    return build_config({"model": {"name": "unet"}, "data": plain, "schedule": {"epochs": 1}})


def load(root: Path, **data: Any) -> Loaders:
    return load_data(config_of(root, **data).data, CPU)


def draw(path: Path, values: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)


def image(number: int = 0, height: int = 24, width: int = 24, channels: int | None = None) -> np.ndarray:
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)


def mask(number: int = 0, height: int = 24, width: int = 24, value: int = 255) -> np.ndarray:
    return np.where(image(number + 100, height, width) > 128, value, 0).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of eight grey images to train on and three to test on."""
    for split, number in (("train", 8), ("test", 3)):
        for each in range(number):
            draw(tmp_path / split / "images" / f"p{each}.png", image(each))
            draw(tmp_path / split / "masks" / f"p{each}.png", mask(each))
    return tmp_path


def test_images_and_masks_are_paired_by_name(folder: Path) -> None:
    loaders = load(folder)
    assert (loaders.task, loaders.image_shape, loaders.class_names) == (
        "segmentation",
        (1, 24, 24),
        ("background", "object"),
    )
    assert [len(split) for split in (loaders.train, loaders.val, loaders.test)] == [6, 2, 3]
    images, masks = loaders.test.take(torch.arange(3))
    assert torch.equal(images[:, 0], torch.from_numpy(np.stack([image(each) for each in range(3)])))
    assert torch.equal(
        masks, torch.from_numpy(np.stack([mask(each) > 0 for each in range(3)]).astype(np.uint8))
    )


def test_a_val_folder_is_the_validation_split(folder: Path) -> None:
    draw(folder / "val" / "images" / "v.png", image(50))
    draw(folder / "val" / "masks" / "v.png", mask(50))
    loaders = load(folder)
    assert [len(split) for split in (loaders.train, loaders.val, loaders.test)] == [8, 1, 3]


def test_without_a_test_folder_val_is_tested_on_and_never_chooses_the_checkpoint(folder: Path) -> None:
    (folder / "test").rename(folder / "val")
    loaders = load(folder)
    assert [len(split) for split in (loaders.train, loaders.val, loaders.test)] == [6, 2, 3]


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "bmp", "webp"])
def test_formats_of_images(folder: Path, suffix: str) -> None:
    for path in sorted((folder / "train" / "images").iterdir()):
        Image.open(path).save(path.with_suffix(f".{suffix}"))
        if suffix != "png":
            path.unlink()
    assert load(folder).image_shape[1:] == (24, 24)


@pytest.mark.parametrize("place", ["train/images/p0.png", "train/images/p7.png", "test/images/p2.png"])
def test_colour_images_have_three_channels(folder: Path, place: str) -> None:
    draw(folder / place, image(0, channels=3))
    assert load(folder).image_shape == (3, 24, 24)


def test_what_reading_takes_from_images_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    alpha = np.dstack([image(0, channels=3), image(1)])
    draw(folder / "test" / "images" / "p1.png", alpha)
    load(folder)
    assert "1 of 3 images are transparent, above white (data.background)" in caplog.text


def test_sixteen_bits_are_stretched(folder: Path) -> None:
    deep = (image(0).astype(np.uint16) * 16)[:, :]
    draw(folder / "test" / "images" / "p0.png", deep)
    low, high = image(0).min(), image(0).max()
    expected = np.rint(255 * (image(0).astype(float) - low) / (high - low))
    assert np.abs(load(folder).test.take(torch.tensor([0]))[0][0, 0].numpy() - expected).max() <= 1


@pytest.mark.parametrize("value", [1, 255])
def test_the_object_may_be_one_or_255(folder: Path, value: int) -> None:
    for path in folder.rglob("masks/*.png"):
        draw(path, mask(0, value=value))
    assert set(load(folder).test.take(torch.tensor([0]))[1].unique().tolist()) == {0, 1}


def test_masks_of_sixteen_bits_of_one_bit_and_in_grey_colour(folder: Path) -> None:
    binary = mask(0) > 0
    kinds = [binary.astype(np.uint16) * 65535, binary, np.repeat(mask(0)[..., None], 3, 2)]
    for number, values in enumerate(kinds):
        draw(folder / "test" / "masks" / f"p{number}.png", values)
    masks = load(folder).test.take(torch.arange(3))[1]
    assert all(np.array_equal(each.numpy(), binary) for each in masks)


def test_classes_and_pixels_to_ignore_by_key(folder: Path) -> None:
    for split in ("train", "test"):
        for path in (folder / split / "masks").iterdir():
            draw(path, np.array([0, 1, 2, 9], np.uint8)[image(7) % 4])
    loaders = load(folder, classes=["sky", "tree", "road"], ignore_index=9)
    assert loaders.num_classes == 3 and loaders.class_names[2] == "road"
    assert set(loaders.test.take(torch.tensor([0]))[1].unique().tolist()) == {0, 1, 2, VOID}


def test_sizes_that_differ_are_resized_by_key(folder: Path) -> None:
    draw(folder / "train" / "images" / "p0.png", image(0, 40, 30))
    draw(folder / "train" / "masks" / "p0.png", mask(0, 40, 30))
    with pytest.raises(BadImage, match=r"p0.png is 30x40, and the first is|is 24x24, and the first is 30x40"):
        load(folder)
    loaders = load(folder, image_size=16)
    assert loaders.image_shape == (1, 16, 16) and len(loaders.train) == 6


def test_large_images_are_cut_into_tiles_by_key(folder: Path) -> None:
    loaders = load(folder, image_size=16, fit="tile")
    assert len(loaders.test) == 3 * 4
    images, masks = loaders.test.take(torch.arange(4))
    assert np.array_equal(images[3, 0].numpy(), image(0)[8:, 8:])
    assert np.array_equal(masks[3].numpy(), mask(0)[8:, 8:] > 0)


def test_small_images_are_filled_up_with_void(folder: Path) -> None:
    masks = load(folder, image_size=32, fit="tile").test.take(torch.tensor([0]))[1][0]
    assert (masks[24:] == VOID).all() and (masks[:24, :24] != VOID).all()


@pytest.mark.parametrize(
    ("length", "side", "overlap"), [(10, 10, 0), (5, 10, 0), (25, 10, 0), (25, 10, 4), (1000, 256, 64)]
)
def test_tiles_cover_everything_and_overlap_enough(length: int, side: int, overlap: int) -> None:
    places = starts(length, side, overlap)
    assert places[0] == 0 and places[-1] == max(0, length - side)
    assert all(right - left <= side - overlap for left, right in pairwise(places))


def test_border_weights_by_key(folder: Path) -> None:
    assert load(folder, border_weight=10).train.take(torch.tensor([0]))[1].shape == (1, 2, 24, 24)


# What is wrong, and the words that name it.


def without_mask(folder: Path) -> str:
    (folder / "train" / "masks" / "p3.png").unlink()
    return r"train/images/p3.png has no mask in .*train/masks"


def other_size(folder: Path) -> str:
    draw(folder / "train" / "masks" / "p3.png", mask(3, 20, 24))
    return r"train/masks/p3.png is 24x20, and its image .*p3.png is 24x24"


def unknown_class(folder: Path) -> str:
    draw(folder / "train" / "masks" / "p3.png", mask(3, value=7))
    return (
        r"train/masks/p3.png has the value 7, which is no class; 0 and 1 \(or 255\) are allowed.*data.classes"
    )


def coloured_mask(folder: Path) -> str:
    draw(folder / "train" / "masks" / "p3.png", image(3, channels=3))
    return r"train/masks/p3.png is in colour"


def corrupt(folder: Path) -> str:
    path = folder / "train" / "images" / "p3.png"
    content = path.read_bytes()
    path.write_bytes(content[:60] + bytes(40) + content[100:])
    return r"train/images/p3.png is not a readable image"


def cut_short(folder: Path) -> str:
    path = folder / "train" / "masks" / "p3.png"
    path.write_bytes(path.read_bytes()[:80])
    return r"train/masks/p3.png is not a readable image"


def empty(folder: Path) -> str:
    (folder / "train" / "images" / "p3.png").write_bytes(b"")
    return r"train/images/p3.png is not a readable image"


def huge(folder: Path) -> str:
    """A PNG that says 30,000 x 30,000 pixels; to find that rows are missing it would have to be decoded."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(30001)))
        + chunk(b"IEND", b"")
    )
    (folder / "train" / "images" / "p3.png").write_bytes(png)
    return r"train/images/p3.png is too large"


WRONG = [without_mask, other_size, unknown_class, coloured_mask, corrupt, cut_short, empty, huge]


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__)
def test_what_cannot_be_used_is_refused_by_name_and_left_out_by_key(
    folder: Path, spoil: Callable[[Path], str], caplog: pytest.LogCaptureFixture
) -> None:
    message = spoil(folder)
    with pytest.raises(BadImage, match=message) as caught:
        load(folder)
    assert caught.value.exit_code == 2 and "--skip-bad" in str(caught.value)
    loaders = load(folder, skip_bad=True)
    assert len(loaders.train) + len(loaders.val) == 7
    assert "Left out 1 of 8 images" in caplog.text and "p3.png" in caplog.text


def test_more_than_one_class_out_of_range_is_named_beside_what_is_allowed(folder: Path) -> None:
    with pytest.raises(InputError, match=r"value 255, which is no class; data.classes names 0 to 2"):
        load(folder, classes=["a", "b", "c"])


def test_every_image_bad_is_an_error_even_where_they_may_be_left_out(folder: Path) -> None:
    for path in (folder / "test" / "masks").iterdir():
        path.write_bytes(b"nothing")
    for skip_bad in (False, True):
        with pytest.raises(InputError, match="No image of test can be used") as caught:
            load(folder, skip_bad=skip_bad)
        assert "--skip-bad" not in str(caught.value), "which would leave nothing"


def test_folders_of_another_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match="train/images"):
        load(tmp_path / "nowhere")
    (tmp_path / "cats").mkdir()
    with pytest.raises(InputError, match="found cats"):
        load(tmp_path)


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    draw(folder / "train" / "images" / "p3.tif", image(3))
    with pytest.raises(InputError, match="more than one file called 'p3'"):
        load(folder)


@pytest.mark.parametrize("name", ["oxford_pets", "voc"])
def test_published_sets_that_are_not_there_say_how_to_get_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="image_size"):
        load(tmp_path, name=name)
    with pytest.raises(DataNotFound, match=r"data.download=true"):
        load(tmp_path, name=name, image_size=32)


def test_oxford_pets_as_published(tmp_path: Path) -> None:
    """The undecided rim is void, the animal is 1."""
    base = tmp_path / "oxford-iiit-pet"
    for name in ("Abyssinian_1", "beagle_2", "beagle_3", "beagle_4"):
        draw(base / "images" / f"{name}.jpg", image(1, 40, 50, 3))
        draw(base / "annotations" / "trimaps" / f"{name}.png", (image(2, 40, 50) % 3 + 1).astype(np.uint8))
    lines = ["Abyssinian_1 1 1 1\n", "beagle_2 2 2 1\n", "beagle_3 2 2 1\n", "beagle_4 2 2 1\n"]
    (base / "annotations" / "trainval.txt").write_text("".join(lines))
    (base / "annotations" / "test.txt").write_text(lines[0])
    loaders = load(tmp_path, name="oxford_pets", image_size=32)
    assert loaders.class_names == ("background", "pet") and loaders.image_shape == (3, 32, 32)
    assert set(loaders.test.take(torch.tensor([0]))[1].unique().tolist()) == {0, 1, VOID}


def test_voc_as_published(tmp_path: Path) -> None:
    """Masks are palette images whose indices are the classes, outlines are 255."""
    base = tmp_path / "VOCdevkit" / "VOC2012"
    for name in "abcde":
        draw(base / "JPEGImages" / f"{name}.jpg", image(1, 40, 50, 3))
        values = np.array([*range(21), 255], np.uint8)[image(2, 40, 50) % 22]
        indexed = Image.fromarray(values).convert("P")
        indexed.putdata(values.flatten().tolist())
        (base / "SegmentationClass").mkdir(exist_ok=True)
        indexed.save(base / "SegmentationClass" / f"{name}.png")
    lists = base / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\nc\nd\n")
    (lists / "val.txt").write_text("e\n")
    loaders = load(tmp_path, name="voc", image_size=32)
    assert loaders.num_classes == 21
    assert set(loaders.test.take(torch.tensor([0]))[1].unique().tolist()) == {*range(21), VOID}
    draw(base / "SegmentationClass" / "e.png", np.zeros((40, 50), np.uint8))
    with pytest.raises(InputError, match=r"in test no pixel is aeroplane or .* or 12 more"):
        load(tmp_path, name="voc", image_size=32)


DISCS: dict[str, tuple[type[np.generic], float]] = {
    "12 bits": (np.uint16, 4000),
    "int32": (np.int32, 70_000),
    "float": (np.float32, 0.9),
}


def deep_folder(root: Path, kind: type[np.generic], top: float) -> Path:
    """Write images of discs, each as bright as its number says: at most nine tenths of the top in train."""
    disc = ((np.mgrid[:12, :12] - 5.5) ** 2).sum(0) < 16
    suffix = "png" if kind is np.uint16 else "tif"
    for split, number in (("train", 10), ("test", 3)):
        for each in range(number):
            for part, values in (
                ("images", (disc * top * each / 10).astype(kind)),
                ("masks", disc.astype(np.uint8)),
            ):
                path = root / split / part / f"{each}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(path)
    return root


@pytest.mark.parametrize("kind", DISCS)
@pytest.mark.parametrize("keys", [{}, {"image_size": 12}, {"image_size": 12, "fit": "tile"}], ids=str)
def test_deep_images_are_spread_over_the_values_of_train(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, keys: dict[str, Any]
) -> None:
    loaders = load(deep_folder(tmp_path, *DISCS[kind]), **keys)
    assert "10 of 10 images are deep: values from 0 to" in caplog.text
    assert loaders.conversion.span == (0, pytest.approx(DISCS[kind][1] * 0.9))
    brightest = loaders.test.take(torch.arange(3))[0].amax((1, 2, 3)).tolist()
    assert brightest == pytest.approx([0, 255 / 9, 255 * 2 / 9], abs=1)


def test_predict_spreads_deep_images_as_the_run_did(tmp_path: Path) -> None:
    root = deep_folder(tmp_path / "data", np.uint16, 4000)
    config = config_of(root)
    record = describe_data(config.data, load(root))
    seen = [
        read_any_size(root / f"test/images/{each}.png", record, "white", Counter()).max() for each in range(3)
    ]
    assert seen == [0, 28, 57]
    alone: Counter[str] = Counter()
    assert (
        read_any_size(root / "test/images/1.png", record | {"conversion": None}, "white", alone).max() == 255
    )
    assert alone["apart"] == 1


def test_deep_images_of_a_run_that_saw_none_are_refused(tmp_path: Path) -> None:
    deep_folder(tmp_path / "deep", np.uint16, 4000)
    with pytest.raises(BadImage, match="the images of training had not"):
        read_any_size(tmp_path / "deep/test/images/1.png", {"conversion": {"span": None}}, "white", Counter())


def test_many_files_with_one_problem_are_told_in_a_line_and_the_ways_out_fit(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The values are listed where names are meant: 255 is void, a class, or means one that is named."""
    for path in folder.rglob("masks/*.png"):
        mask = np.asarray(Image.open(path)) > 0
        Image.fromarray(np.where(mask, 255, np.arange(mask.shape[1]) % 2).astype(np.uint8)).save(path)
    with pytest.raises(InputError) as caught:
        load(folder, classes=["0", "1", "255"])
    assert "--skip-bad" not in str(caught.value), "which would leave nothing"
    assert "if 255 is void, set data.ignore_index=255 and leave it out of data.classes, which" in str(
        caught.value
    )
    assert "if it is a class of its own, number the classes 0, 1, 2 ..." in str(caught.value)
    with pytest.raises(InputError, match=r"No image of train can be used:") as all_bad:
        load(folder, classes=["0", "1", "255"], skip_bad=True)
    told = str(all_bad.value)
    assert (
        told.count("has the value 255") == 1
        and "8 files (" in told
        and "and 5 more): has the value 255" in told
    )
    assert not caplog.messages
