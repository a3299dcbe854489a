"""What a mask's file can hold: read exactly, or refused by name where values may mean two things."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import DataConfig
from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.borders import VOID, closeness
from skiprun.data.folders.mask_file import read_mask_file
from skiprun.data.loaders import Loaders
from skiprun.errors import BadImage, ConfigError, InputError, OptionError

CPU = torch.device("cpu")
CLASSES = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3
GREY = Image.fromarray(CLASSES)


def png(depth: int, colour_type: int, row: bytes) -> bytes:
    """Return a PNG of 4x4 pixels whose rows are all the same bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 4, 4, depth, colour_type, 0, 0, 0)
    rows = zlib.compress((b"\0" + row) * 4)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_palette(*colours: tuple[int, int, int]) -> Image.Image:
    image = GREY.convert("P")
    image.putpalette([channel for colour in colours for channel in colour])
    return image


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


BLACK, RED, GREEN = (0, 0, 0), (128, 0, 0), (0, 128, 0)
EXACT: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "8.png": (GREY, {}),
    "16.png": (Image.fromarray(CLASSES.astype(np.uint16)), {}),
    "32.tif": (Image.fromarray(CLASSES.astype(np.int32)), {}),
    "deflated.tif": (GREY, {"compression": "tiff_adobe_deflate"}),
    "8.bmp": (GREY, {}),
    "8.gif": (GREY, {}),
    "8.pgm": (GREY, {}),
    "lossless.webp": (GREY.convert("RGB"), {"lossless": True}),
    "three_channels.png": (GREY.convert("RGB"), {}),
    "opaque.png": (GREY.convert("RGBA"), {}),
    "as_voc.png": (with_palette(BLACK, RED, GREEN), {}),
    "as_voc.gif": (with_palette(BLACK, RED, GREEN), {}),
    "greys_that_are_their_numbers.png": (with_palette(BLACK, (1, 1, 1), (2, 2, 2)), {}),
}


@pytest.mark.parametrize("name", EXACT)
def test_values_are_read_as_they_were_saved(tmp_path: Path, name: str) -> None:
    image, options = EXACT[name]
    found = read_mask_file(saved(image, tmp_path / name, **options), two_classes=False)
    assert np.array_equal(found.values, CLASSES) and not found.one_bit


def test_sixteen_and_32_bits_keep_every_value(tmp_path: Path) -> None:
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    assert (
        read_mask_file(saved(Image.fromarray(deep), tmp_path / "a.png"), True).values.tolist()
        == deep.tolist()
    )
    deeper = np.array([[0, 70_000, 2**31 - 1]], np.int32)
    assert (
        read_mask_file(saved(Image.fromarray(deeper), tmp_path / "a.tif"), True).values.tolist()
        == deeper.tolist()
    )


def transparent(mode: str) -> Image.Image:
    image = GREY.convert(mode)
    image.putpixel((0, 0), (0,) * (len(image.getbands())))
    return image


REFUSED: dict[str, tuple[Image.Image, dict[str, Any], str]] = {
    "a.jpg": (GREY, {}, "is a JPEG"),
    "a.webp": (GREY.convert("RGB"), {"quality": 90}, "is a WEBP"),
    "a.jp2": (GREY, {}, "is a JPEG2000"),
    "jpeg_inside.tif": (GREY, {"compression": "jpeg"}, "is a TIFF"),
    "floats.tif": (Image.fromarray(CLASSES.astype(np.float32)), {}, "floating-point"),
    "printed.tif": (GREY.convert("CMYK"), {}, "colours for print"),
    "pages.tif": (GREY, {"save_all": True, "append_images": [GREY]}, "holds 2 images"),
    "alpha.png": (transparent("RGBA"), {}, "transparent pixels"),
    "grey_alpha.png": (transparent("LA"), {}, "transparent pixels"),
    "one_colour_transparent.png": (GREY, {"transparency": 1}, "transparent pixels"),
    "one_index_transparent.png": (with_palette(BLACK, RED, GREEN), {"transparency": 0}, "transparent pixels"),
    "deep_transparent.png": (
        Image.fromarray(CLASSES.astype(np.uint16)),
        {"transparency": 1},
        "transparent pixels",
    ),
    "reordered_greys.gif": (with_palette((2, 2, 2), BLACK, (1, 1, 1)), {}, "palette of greys"),
    "greys.png": (with_palette(BLACK, (127, 127, 127), (255, 255, 255)), {}, "palette of greys"),
    "colours.png": (Image.merge("RGB", [GREY, GREY, GREY.point(lambda value: 2 - value)]), {}, "in colour"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_be_what_was_drawn_is_refused_by_name(tmp_path: Path, name: str) -> None:
    image, options, problem = REFUSED[name]
    with pytest.raises(BadImage, match=problem) as caught:
        read_mask_file(saved(image, tmp_path / name, **options), two_classes=False)
    assert name in str(caught.value)


STRETCHED = {
    "2.png": png(2, 0, bytes([0b00011011])),
    "4.png": png(4, 0, bytes([0x01, 0x23])),
    "16_colour.png": png(16, 2, struct.pack(">3H", 1, 1, 1) * 4),
    "16_alpha.png": png(16, 4, struct.pack(">2H", 1, 65535) * 4),
    "3.pgm": b"P5\n4 1\n3\n\0\1\2\3",
    "3_words.pgm": b"P2\n4 1\n3\n0 1 2 3\n",
    "1000.pgm": b"P5\n2 1\n1000\n\0\1\2\3",
}


@pytest.mark.parametrize("name", STRETCHED)
def test_a_depth_that_is_changed_on_reading_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(STRETCHED[name])
    with pytest.raises(BadImage, match="depth that is changed"):
        read_mask_file(tmp_path / name, two_classes=False)


def test_the_content_counts_not_the_ending(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    GREY.save(buffer, "JPEG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(BadImage, match="is a JPEG"):
        read_mask_file(tmp_path / "a.png", two_classes=True)


def test_of_two_classes_black_and_white_say_which_is_which(tmp_path: Path) -> None:
    two = Image.fromarray(CLASSES.clip(0, 1)).convert("P")
    two.putpalette([0, 0, 0, 255, 255, 255])
    assert np.array_equal(read_mask_file(saved(two, tmp_path / "a.png"), True).values, CLASSES.clip(0, 1))
    for colours in ([255, 255, 255, 0, 0, 0], [255, 0, 0, 0, 0, 0]):
        two.putpalette(colours)
        with pytest.raises(BadImage, match="palette"):
            read_mask_file(saved(two, tmp_path / "b.gif"), two_classes=True)


# A set of masks as a whole.


def config_of(root: Path, **data: Any) -> RunConfig:
    plain = {"name": "mask_folder", "root": str(root), "batch_size": 2, "val_fraction": 0.25} | data
    return build_config({"model": {"name": "unet"}, "data": plain, "schedule": {"epochs": 1}})


def load(root: Path, **data: Any) -> Loaders:
    return load_data(config_of(root, **data).data, CPU)


def draw(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def halves(*values: int, dtype: type = np.uint8) -> np.ndarray:
    """Return a mask of 12x12 in stripes of these values."""
    return np.tile(np.repeat(np.array(values, dtype), 12 // len(values)), (12, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight images to train on and three to test on, with masks of 0 and 255."""
    for split, number in (("train", 8), ("test", 3)):
        for each in range(number):
            image = np.random.default_rng(each).integers(0, 256, (12, 12)).astype(np.uint8)
            draw(tmp_path / split / "images" / f"p{each}.png", image)
            draw(tmp_path / split / "masks" / f"p{each}.png", halves(0, 255))
    return tmp_path


@pytest.mark.parametrize("place", ["train/masks/p3.png", "test/masks/p2.png"])
@pytest.mark.parametrize("values", [(0, 1), (0, 1, 255)])
def test_one_and_255_in_one_set_are_refused_with_the_ways_out(
    folder: Path, place: str, values: tuple[int, ...]
) -> None:
    draw(folder / place, halves(*values))
    with pytest.raises(
        InputError, match=r"hold both 1 \(.*\) and 255 .*data.ignore_index=255.*data.classes"
    ) as caught:
        load(folder)
    assert place in str(caught.value)


def test_void_as_in_voc_is_read_by_key(folder: Path) -> None:
    for path in folder.rglob("masks/*.png"):
        draw(path, halves(0, 1, 255))
    with pytest.raises(InputError, match=r"data\.ignore_index=255"):
        load(folder)
    loaders = load(folder, ignore_index=255)
    assert loaders.test.take(torch.tensor([0]))[1][0].tolist() == halves(0, 1, VOID).tolist()
    assert loaders.pixels["test"] == (144, 144, 144)


def test_white_is_white_in_one_eight_and_sixteen_bits(folder: Path) -> None:
    draw(folder / "test" / "masks" / "p0.png", halves(0, 65535, dtype=np.uint16))
    draw(folder / "test" / "masks" / "p1.png", halves(0, 1, dtype=bool))
    masks = load(folder).test.take(torch.arange(3))[1]
    assert all(torch.equal(mask, masks[2]) for mask in masks)
    draw(folder / "test" / "masks" / "p0.png", halves(0, 255, 65535, dtype=np.uint16))
    with pytest.raises(InputError, match=r"hold both 255 .* and 65535"):
        load(folder)


def test_lossy_masks_of_named_classes_are_refused(folder: Path) -> None:
    """Classes 0 and 2 saved as JPEG have pixels of class 1, which nobody drew."""
    for path in folder.rglob("masks/*.png"):
        Image.fromarray(halves(0, 2)).save(path.with_suffix(".jpg"), quality=75)
        path.unlink()
    with pytest.raises(InputError, match=r"p0.jpg.*: is a JPEG that may have changed what was drawn"):
        load(folder, classes=["background", "edge", "disc"])


@pytest.mark.parametrize("key", ["classes", "ignore_index", "instances", "mask_suffix"])
def test_what_masks_mean_is_refused_for_a_dataset_that_says_it(key: str) -> None:
    given: Any = {"classes": ["a", "b"], "ignore_index": 255, "instances": True, "mask_suffix": "_m"}[key]
    with pytest.raises(
        OptionError, match=rf"{key}: found .*'cells' has no use for; it is for mask_folder\. "
    ):
        load_data(DataConfig(name="cells", **{key: given}), CPU)


# Masks that number the objects.


def test_numbers_of_objects_are_one_class_by_key(folder: Path) -> None:
    for path in folder.rglob("masks/*.png"):
        draw(path, halves(0, 7, 300, dtype=np.uint16))
    with pytest.raises(InputError, match=r"value 7, 300, which is no class.*data.instances=true"):
        load(folder)
    masks = load(folder, instances=True).test.take(torch.arange(3))[1]
    assert masks[0].tolist() == halves(0, 1, 1).tolist()
    void = load(folder, instances=True, ignore_index=300).test.take(torch.arange(3))[1]
    assert void[0].tolist() == halves(0, 1, VOID).tolist()


@pytest.mark.parametrize("fit", ["resize", "tile"])
def test_border_weights_part_objects_that_touch_a_gap_of_another_number(folder: Path, fit: str) -> None:
    """Two numbers beside each other are two objects; as connected parts they would be one, without border."""
    labels = np.zeros((12, 12), np.uint16)
    labels[:, :5], labels[:6, 5:10] = 900, 7
    for path in folder.rglob("masks/*.png"):
        draw(path, labels)
    keys = {"border_weight": 10.0, "image_size": 12, "fit": fit}
    weights = load(folder, instances=True, **keys).test.take(torch.tensor([0]))[1][0, 1].numpy()
    assert np.array_equal(weights, closeness(labels)) and weights.max() > 200
    for path in folder.rglob("masks/*.png"):
        draw(path, (labels > 0).astype(np.uint8))
    assert not load(folder, **keys).test.take(torch.tensor([0]))[1][0, 1].any()


def test_instances_beside_classes_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="instances"):
        config_of(folder, instances=True, classes=["a", "b"])
