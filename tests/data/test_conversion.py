"""Deep, transparent and wide images: what becomes of their values and is counted; predict does the same."""

from __future__ import annotations

import json
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from skiprun.config import DataConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.remarks import one_coloured
from skiprun.data.loaders import Loaders
from skiprun.data.source import RawSplit
from skiprun.errors import BadImage, ConfigError, InputError, OptionError
from skiprun.experiment.data_record import describe_data
from skiprun.inference.network_input import EARLIER, read_any_size, read_normalized
from skiprun.run import Run
from skiprun.run.documents import DataRecord
from tests.support.data_files import image_folder, stored

CPU = torch.device("cpu")


Draw = Callable[[int], Image.Image]


def load(root: Path, **options: Any) -> Loaders:
    return load_data(DataConfig(name="image_folder", root=str(root), **{"batch_size": 2, **options}), CPU)


def grey(number: int, height: int = 8, width: int = 8) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (height, width)).astype(np.uint8)


def folder(
    root: Path,
    draw: Draw,
    suffix: str = ".png",
    counts: Sequence[tuple[str, int]] = (("train", 6), ("test", 3)),
) -> dict[str, list[int]]:
    """Write what draw(number) gives into two classes; return the numbers by split, in the loaders' order."""
    number = 0
    numbers: dict[str, list[int]] = {}
    for split, count in counts:
        for name in ("a", "b"):
            for each in range(count):
                file = root / split / name / f"{each}{suffix}"
                file.parent.mkdir(parents=True, exist_ok=True)
                draw(number).save(file)
                numbers.setdefault(split, []).append(number)
                number += 1
    return numbers


def deep(top: float, kind: type[np.generic] = np.uint16, bottom: int = 0) -> Draw:
    return lambda number: Image.fromarray((bottom + grey(number) / 255 * (top - bottom)).astype(kind))


@pytest.mark.parametrize(
    ("draw", "suffix"),
    [
        (deep(65535), ".png"),
        (deep(4095), ".png"),
        (deep(255), ".png"),
        (deep(4095, np.int32), ".tif"),
        (deep(70000, np.int32, -500), ".tif"),
        (deep(1.0, np.float32), ".tif"),
    ],
    ids=["16 bits", "12 in 16", "8 in 16", "int32", "large int32", "float"],
)
def test_deep_images_keep_their_256_levels_by_one_rule_for_the_set(
    draw: Draw, suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = folder(tmp_path, draw, suffix)
    loaders = load(tmp_path)
    values = {number: np.asarray(draw(number)).astype(float) for each in numbers.values() for number in each}
    low, high = (edge([edge(values[number]) for number in numbers["train"]]) for edge in (np.min, np.max))
    expected = np.stack(
        [np.rint(255 * (values[number] - low) / (high - low)).clip(0, 255) for number in numbers["test"]]
    )
    assert np.array_equal(stored(loaders.test)[0][..., 0], expected)
    assert f"18 of 18 images are deep: values from {low:,g} to {high:,g} become 0 to 255." in caplog.text
    assert loaders.conversion.span == (low, high)
    caplog.clear()
    assert load(tmp_path).fingerprint == loaders.fingerprint
    assert "18 of 18 images are deep" in caplog.text, "said again when they come from the cache"


def test_the_span_is_that_of_train(tmp_path: Path) -> None:
    folder(tmp_path, deep(1000))
    Image.fromarray(np.full((8, 8), 60000, np.uint16)).save(tmp_path / "test/b/2.png")
    loaders = load(tmp_path)
    assert loaders.conversion.span[1] <= 1000
    assert (stored(loaders.test)[0][-1] == 255).all()


def test_images_far_outside_of_the_values_of_train_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path, deep(1000))
    Image.fromarray(np.full((8, 8), 60000, np.uint16)).save(tmp_path / "test/b/2.png")
    load(tmp_path)
    assert "1 of 18 images have more than 1 % of their pixels outside of" in caplog.text
    tally: Counter[str] = Counter()
    values = np.full((32, 32), 500, np.uint16)
    values[0, 0] = 1000
    convert(tmp_path, Image.fromarray(values), Conversion(span=(0, 999)), tally)
    assert tally["deep"] == 1 and not tally["clipped"], "a pixel beyond the brightest of train is no loss"


def test_of_several_pages_the_first_is_read_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path)
    pages = [Image.fromarray(grey(number)) for number in range(3)]
    pages[0].save(tmp_path / "train/dog/pages.tif", save_all=True, append_images=pages[1:])
    load(tmp_path)
    assert "1 of 29 images have several pages or frames, of which the first is read." in caplog.text


def test_plain_images_beside_deep_ones_keep_their_values(tmp_path: Path) -> None:
    folder(tmp_path, lambda number: deep(4095)(number) if number % 2 else Image.fromarray(grey(number)))
    assert np.array_equal(stored(load(tmp_path).test)[0][0][..., 0], grey(12))


def test_deep_images_that_are_bad_are_left_out_and_the_rest_spread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path, deep(1.0, np.float32), ".tif")
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "train/a/1.tif")
    with pytest.raises(BadImage, match=r"1.tif has pixels that are no finite numbers"):
        load(tmp_path)
    assert stored(load(tmp_path, skip_bad=True).test)[0].std() > 50
    assert "Left out 1 of 18 images" in caplog.text


def sixteen_bit_png(colours: np.ndarray) -> bytes:
    """Return a PNG of 16 bits a channel, which Pillow cannot write: uint16 [H, W, 3]."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    header = struct.pack(">IIBBBBB", colours.shape[1], colours.shape[0], 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_colours_of_16_bits_are_read_by_half_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path)
    colours = np.random.default_rng(0).integers(0, 65536, (8, 8, 3))
    (tmp_path / "test/dog/000.png").write_bytes(sixteen_bit_png(colours))
    assert np.array_equal(stored(load(tmp_path).test)[0][4], colours >> 8)
    assert "1 of 28 images have 16 bits a colour, of which the upper 8 are read." in caplog.text


def test_colours_of_12_bits_in_16_are_refused_as_next_to_nothing_of_them_is_read(tmp_path: Path) -> None:
    image_folder(tmp_path)
    colours = np.random.default_rng(0).integers(0, 4096, (8, 8, 3))
    (tmp_path / "test/dog/000.png").write_bytes(sixteen_bit_png(colours))
    with pytest.raises(
        BadImage, match=r"000.png has 16 bits a colour, of which only the upper 8 are read: 16 levels"
    ):
        load(tmp_path)


def icon(mode: str) -> Draw:
    """Return black ink, where a drawing is dark, on transparency."""

    def draw(number: int) -> Image.Image:
        alpha = Image.fromarray(np.where(grey(number) > 120, 0, 255).astype(np.uint8))
        black = Image.new("L", alpha.size)
        if mode == "RGBA":
            return Image.merge("RGBA", [black, black, black, alpha])
        if mode == "LA":
            return Image.merge("LA", [black, alpha])
        image = Image.fromarray((np.asarray(alpha) > 0).astype(np.uint8), mode="P" if mode == "P" else None)
        image.putpalette([255, 0, 0, 0, 0, 0])
        image.info["transparency"] = 0
        return image

    return draw


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize(("background", "value"), [("white", 255), ("#808080", 128)])
def test_ink_on_transparency_stays_on_its_background(
    mode: str, background: str, value: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = folder(tmp_path, icon(mode))
    loaders = load(tmp_path, background=background)
    expected = np.stack([np.where(grey(number) > 120, value, 0) for number in numbers["test"]])
    assert np.array_equal(stored(loaders.test)[0][..., 0], expected)
    assert f"18 of 18 images are transparent, above {background} (data.background)." in caplog.text


def test_masks_and_predict_see_the_same_background(tmp_path: Path) -> None:
    icon("RGBA")(1).save(tmp_path / "x.png")
    assert set(np.unique(read_any_size(tmp_path / "x.png", {}, "white", Counter()))) == {0, 255}
    records: list[DataRecord] = [{}, {"conversion": {"background": "black"}}]
    for record in records:
        assert (read_any_size(tmp_path / "x.png", record, "black", Counter()) == 0).all()


def test_a_split_of_one_colour_each_is_refused_and_a_part_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path / "ink", icon("RGBA"))
    with pytest.raises(
        InputError, match=r"Each of the 12 images of train is of one colour .* another data.background"
    ):
        load(tmp_path / "ink", background="black")
    folder(tmp_path / "part", lambda number: Image.fromarray(grey(number) if number % 3 else grey(0) * 0 + 7))
    load(tmp_path / "part")
    assert "Images of one colour: 4 of 12 in train, 2 of 6 in test." in caplog.text


def test_a_flat_folder_and_masks_are_looked_at_for_one_colour_too(tmp_path: Path) -> None:
    folder(tmp_path / "flat", lambda number: Image.new("RGB", (8, 8), "red"), counts=[("all", 8)])
    with pytest.raises(InputError, match=r"of train is of one colour"):
        load(tmp_path / "flat/all")
    for split in ("train", "test"):
        for kind, values in (("images", grey(0) * 0), ("masks", (grey(1) > 128).astype(np.uint8))):
            for number in range(4):
                file = tmp_path / "seg" / split / kind / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(file)
    with pytest.raises(InputError, match=r"Each of the 4 images of train is of one colour"):
        load_data(DataConfig(name="mask_folder", root=str(tmp_path / "seg"), batch_size=2), CPU)


def test_one_colour_is_found_by_the_moments() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3)).astype(np.uint8)
    images[1], images[3] = 200, [1, 2, 3]
    images[4] = 9
    images[4, 2, 3, 1] = 10
    assert one_coloured(RawSplit(images, np.zeros(len(images))), np.arange(len(images))).tolist() == [
        False,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
@pytest.mark.parametrize("size", [None, (5, 5)])
def test_plain_and_opaque_images_do_not_change_by_a_bit(
    mode: str, size: tuple[int, int] | None, tmp_path: Path
) -> None:
    """As they were read before there were backgrounds and spans: converted to RGB, and cropped."""
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 6, 3)).astype(np.uint8)).convert(
        mode
    )
    before = image.convert("RGB") if size is None else ImageOps.fit(image.convert("RGB"), size)
    assert np.array_equal(convert(tmp_path, image, Conversion(size), Counter()), np.asarray(before))


def wide(number: int) -> Image.Image:
    pixels = np.zeros((8, 32), np.uint8)
    pixels[:, (2, 28)[number % 2]] = 200
    pixels[:, 16] = 100
    return Image.fromarray(pixels)


def test_what_a_crop_cuts_is_said_and_other_fits_keep_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder(tmp_path, wide)
    cropped = load(tmp_path, image_size=8)
    assert (
        "cuts off 75.0 % of all pixels, and more than a tenth of 18 of 18 images; data.fit=pad or"
        in caplog.text
    )
    assert stored(cropped.test)[0].max() <= 110
    caplog.clear()
    padded, resized = (
        load(tmp_path, image_size=8, fit=fit, background="#0000ff") for fit in ("pad", "resize")
    )
    assert "cuts" not in caplog.text
    images = stored(padded.test)[0]
    assert (images[:, 0] == [0, 0, 255]).all() and images[:, 3:5, :, 0].max() > 40
    assert stored(resized.test)[0][..., 0].max() > 40
    assert len({each.fingerprint for each in (cropped, padded, resized)}) == 3
    assert load(tmp_path, image_size=8, fit="crop").fingerprint == cropped.fingerprint


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"name": "image_folder", "fit": "tile"}, "fit", "crop or pad or resize is for its images"),
        ({"name": "mask_folder", "fit": "pad"}, "fit", "resize or tile is for its images"),
        ({"name": "oxford_pets", "fit": "crop"}, "fit", "resize or tile is for its images"),
        ({"name": "digits", "fit": "resize"}, "fit", "has no use for; it is for image_folder, mask_folder"),
        (
            {"name": "digits", "background": "black"},
            "background",
            "has no use for; it is for image_folder, mask_folder",
        ),
    ],
)
def test_a_fit_for_other_data_is_refused_by_name(options: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(OptionError, match=rf"{key}: .*{words}"):
        load_data(DataConfig(**options), CPU)


@pytest.mark.parametrize("colour", ["notacolour", "#12", "#11223344", "transparent"])
def test_a_background_that_is_no_colour_is_refused(colour: str) -> None:
    data = {"name": "image_folder", "background": colour}
    with pytest.raises(ConfigError, match=r"data\.background: found"):
        build_config({"model": {"name": "resnet20"}, "data": data, "schedule": {"epochs": 1}})


@pytest.mark.parametrize("options", [{}, {"fit": "pad", "background": "gold"}, {"fit": "resize"}])
def test_predict_sees_the_pixels_that_were_trained_on(options: dict[str, Any], tmp_path: Path) -> None:
    draw = deep(3000, bottom=200)
    folder(tmp_path / "deep", draw)
    folder(tmp_path / "ink", icon("RGBA"))
    for name in ("deep", "ink"):
        config = DataConfig(
            name="image_folder", root=str(tmp_path / name), image_size=6, batch_size=2, **options
        )
        loaders = load_data(config, CPU)
        seen = read_normalized(tmp_path / name / "test/a/0.png", describe_data(config, loaders), Counter())
        trained_on = loaders.normalize(loaders.test.take(torch.tensor([0]))[0])
        assert torch.allclose(seen, trained_on, atol=1e-5)


def test_predict_refuses_deep_images_for_a_run_that_saw_none_and_reads_earlier_runs_as_they_were(
    tmp_path: Path,
) -> None:
    deep(65535)(0).save(tmp_path / "x.png")
    data: DataRecord = {"image_shape": [3, 8, 8], "mean": [0.0] * 3, "std": [1.0] * 3}
    with pytest.raises(BadImage, match="the images of training had not"):
        read_normalized(tmp_path / "x.png", data | {"conversion": None}, Counter())
    upper = (np.asarray(deep(65535)(0)) >> 8) / 255
    assert EARLIER["span"] == (0, 65535)
    assert (
        np.abs(read_normalized(tmp_path / "x.png", data, Counter())[0, 0].numpy() - upper).max() <= 1.01 / 255
    )


@pytest.mark.parametrize(("data", "fit"), [({}, None), ({"background": "white"}, "resize")])
def test_a_run_from_before_there_was_a_choice_keeps_its_crop(
    data: dict[str, Any], fit: str | None, tmp_path: Path
) -> None:
    written = {"name": "image_folder", "fit": "resize", **data}
    run = Run(tmp_path)
    run.config_file.write_text(
        json.dumps({"model": {"name": "resnet20"}, "data": written, "schedule": {"epochs": 1}})
    )
    assert run.config.data.fit == fit
