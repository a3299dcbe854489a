"""Files of images: which formats are opened, under whatever name, and that none of them starts a program."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image

from skiprun.config import DataConfig
from skiprun.data import load_data
from skiprun.data.folders.opening import FORMATS, SUFFIXES, open_image
from skiprun.errors import BadImage
from skiprun.inference.network_input import read_any_size, read_normalized
from tests.support import ROOT
from tests.support.data_files import image_folder

POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
CPU = torch.device("cpu")


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Ghostscript; it leaves a file where it ran."""
    ran, program = tmp_path / "ran", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 10.0 | tee {ran}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    return ran


def test_the_stand_in_for_ghostscript_is_what_pillow_would_start(ghostscript: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(POSTSCRIPT)
    with pytest.raises(OSError), Image.open(tmp_path / "x.png") as image:
        image.load()
    assert ghostscript.exists()


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("name", ["z.png", "z.jpg", "z.tif"])
def test_a_class_folder_starts_no_ghostscript(
    ghostscript: Path, tmp_path: Path, name: str, skip_bad: bool
) -> None:
    image_folder(tmp_path / "data")
    (tmp_path / "data/train/cat" / name).write_bytes(POSTSCRIPT)
    config = DataConfig(name="image_folder", root=str(tmp_path / "data"), batch_size=2, skip_bad=skip_bad)
    if skip_bad:
        assert load_data(config, CPU).num_classes == 2
    else:
        with pytest.raises(BadImage, match=rf"{name} is not a readable image \(none of AVIF BMP"):
            load_data(config, CPU)
    assert not ghostscript.exists()


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_mask_folder_starts_no_ghostscript(ghostscript: Path, tmp_path: Path, kind: str) -> None:
    for split in ("train", "test"):
        for number in range(3):
            values = np.random.default_rng(number).integers(0, 2, (8, 8)).astype(np.uint8)
            for each in ("images", "masks"):
                (tmp_path / split / each).mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(tmp_path / split / each / f"{number}.png")
    (tmp_path / "train" / kind / "1.png").write_bytes(POSTSCRIPT)
    with pytest.raises(BadImage, match=r"1.png is not a readable image"):
        load_data(DataConfig(name="mask_folder", root=str(tmp_path), batch_size=2), CPU)
    assert not ghostscript.exists()


@pytest.mark.parametrize(
    "read",
    [
        lambda file: read_any_size(file, {}, "white", Counter()),
        lambda file: read_normalized(file, {"image_shape": [3, 8, 8]}, Counter()),
    ],
    ids=["masks", "labels"],
)
def test_predict_starts_no_ghostscript(
    ghostscript: Path, tmp_path: Path, read: Callable[[Path], object]
) -> None:
    (tmp_path / "x.png").write_bytes(POSTSCRIPT)
    with pytest.raises(BadImage, match="is not a readable image"):
        read(tmp_path / "x.png")
    assert not ghostscript.exists()


def test_no_module_opens_an_image_of_any_format() -> None:
    package = ROOT / "skiprun"
    calls = [
        call for file in package.rglob("*.py") for call in re.findall(r"Image\.open\(.*", file.read_text())
    ]
    assert len(calls) > 1 and all("formats=" in call for call in calls)


def test_no_format_that_needs_another_program_has_an_ending() -> None:
    assert {*SUFFIXES.values()} <= {*FORMATS}
    assert not {"EPS", "WMF", "HDF5", "GRIB", "BUFR", "FITS"} & {*FORMATS}


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".tga", ".pnm", ".apng", ".JPE"])
def test_endings_that_pillow_has_are_images_of_a_class(suffix: str, tmp_path: Path) -> None:
    written = image_folder(tmp_path, suffix=".bmp", size=(8, 8))
    for path in written:
        file = tmp_path / path
        Image.open(file).save(file.with_suffix(suffix), format=SUFFIXES[suffix.lower()])
        file.unlink()
    loaders = load_data(DataConfig(name="image_folder", root=str(tmp_path), batch_size=2), CPU)
    assert len(loaders.train) + len(loaders.val) + len(loaders.test) == len(written)


def test_an_image_of_another_format_than_its_name_says_is_opened(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "x.png", format="webp", lossless=True)
    assert open_image(tmp_path / "x.png", (tmp_path / "x.png").read_bytes()).getpixel((0, 0)) == (1, 2, 3)
