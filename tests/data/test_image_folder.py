"""Folders of images: what is read, what is passed over, and what is refused by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data import Loaders, load_data
from skiprun.data.folders import decoding, scanning
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.scanning import decode
from skiprun.errors import BadImage, DataNotFound, InputError, OptionError
from tests.support.data_files import black_png, image_folder, stored

CPU = torch.device("cpu")


def load(root: Path, **options: Any) -> Loaders:
    return load_data(DataConfig(name="image_folder", root=str(root), **{"batch_size": 2, **options}), CPU)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tiff", ".ppm", ".PNG"])
def test_pixels_and_labels_arrive_unchanged_in_order_of_class_and_name(suffix: str, tmp_path: Path) -> None:
    written = image_folder(tmp_path, suffix=suffix)
    loaders = load(tmp_path)
    images, labels = stored(loaders.test)
    expected = [pixels for path, pixels in sorted(written.items()) if path.startswith("test/")]
    assert np.array_equal(images, np.stack(expected))
    assert labels == [0] * 4 + [1] * 4
    assert loaders.class_names == ("cat", "dog")
    assert loaders.image_shape == (3, 8, 8)


def test_own_validation_folder_is_the_validation_split(tmp_path: Path) -> None:
    written = image_folder(tmp_path, counts=[("train", 5), ("val", 3), ("test", 2)])
    loaders = load(tmp_path, val_fraction=0.5)
    assert (len(loaders.train), len(loaders.val), len(loaders.test)) == (10, 6, 4)
    assert np.array_equal(stored(loaders.val)[0][0], written["val/cat/000.png"])


def test_folders_below_a_class_belong_to_it(tmp_path: Path) -> None:
    image_folder(tmp_path)
    (tmp_path / "train/dog/2024").mkdir()
    (tmp_path / "train/dog/000.png").rename(tmp_path / "train/dog/2024/000.png")
    loaders = load(tmp_path)
    assert len(loaders.train) + len(loaders.val) == 20


def test_wrong_ending_is_read_all_the_same(tmp_path: Path) -> None:
    image_folder(tmp_path)
    file = tmp_path / "train/cat/000.png"
    Image.open(file).save(tmp_path / "as.jpg")
    file.write_bytes((tmp_path / "as.jpg").read_bytes())
    assert len(load(tmp_path).test) == 8


def image(mode: str, size: tuple[int, int] = (6, 4)) -> Image.Image:
    if mode.startswith("I;16"):
        return Image.fromarray(np.full((size[1], size[0]), 0x80FF, np.uint16))
    if mode == "I":
        return Image.fromarray(np.full((size[1], size[0]), 0x80FF, np.int32))
    return Image.new("RGB", size, (128, 128, 128)).convert(mode, palette=Image.Palette.ADAPTIVE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I;16", "I"])
def test_every_mode_becomes_the_same_grey_in_rgb(mode: str, tmp_path: Path) -> None:
    file = tmp_path / ("x.tif" if mode not in ("LA",) else "x.png")
    image(mode).save(file)
    pixels = decode(file, file.read_bytes(), Conversion(span=(0, 65535)))
    assert pixels.shape == (4, 6, 3) and pixels.dtype == np.uint8
    if mode != "1":
        assert np.abs(pixels.astype(int) - 128).max() <= 1


@pytest.mark.parametrize("mode", ["F", "I", "I;16"])
def test_F62_pixels_of_unknown_range_are_refused(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "x.tif"
    Image.new(mode, (6, 4)).save(file)
    with pytest.raises(BadImage, match=rf"{file} has more than 8 bits a channel"):
        decode(file, file.read_bytes(), Conversion())


def test_photograph_taken_sideways_is_turned(tmp_path: Path) -> None:
    whole = Image.new("RGB", (6, 4))
    exif = whole.getexif()
    exif[0x0112] = 6
    whole.save(tmp_path / "x.jpg", exif=exif)
    assert decode(tmp_path / "x.jpg", (tmp_path / "x.jpg").read_bytes(), Conversion()).shape == (6, 4, 3)


def test_image_size_shrinks_the_short_side_and_cuts_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((8, 32, 3), np.uint8)
    pixels[:, 8:24] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    found = decode(tmp_path / "x.png", (tmp_path / "x.png").read_bytes(), Conversion((4, 4)))
    assert found.shape == (4, 4, 3) and (found == 255).all()


def test_images_of_several_sizes_need_image_size(tmp_path: Path) -> None:
    image_folder(tmp_path)
    Image.new("RGB", (9, 8)).save(tmp_path / "test/dog/odd.png")
    with pytest.raises(OptionError) as caught:
        load(tmp_path)
    assert caught.value.key == "image_size"
    assert all(part in str(caught.value) for part in ("8x8", "odd.png is 9x8", "data.image_size=64"))
    assert load(tmp_path, image_size=6).image_shape == (3, 6, 6)


def test_root_must_be_given() -> None:
    with pytest.raises(OptionError, match="root: image_folder needs the folder"):
        load_data(DataConfig(name="image_folder"), CPU)


def test_F57_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=rf"{tmp_path}/no.*data.root.*train/<class>/"):
        load(tmp_path / "no")


def test_F52_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("")
    with pytest.raises(InputError, match=r"x.zip is a file; data.root must be a folder"):
        load(tmp_path / "x.zip")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"<html>not found</html>",
    ],
    ids=["cut", "empty", "text"],
)
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_F62_unreadable_image_is_named(damage: Callable[[bytes], bytes], suffix: str, tmp_path: Path) -> None:
    image_folder(tmp_path, suffix=suffix, size=(16, 16))
    file = tmp_path / f"train/dog/003{suffix}"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(
        BadImage, match=rf"{file} is not a readable image .* Mend or remove it, or .*--skip-bad"
    ):
        load(tmp_path)


def spoil(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).write_bytes((folder / file).read_bytes()[:60])


def test_F62_images_that_cannot_be_used_are_left_out_by_key_and_counted_at_every_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_folder(tmp_path / "spoiled")
    image_folder(tmp_path / "mended")
    bad = ["train/cat/000.png", "train/dog/003.png", "test/dog/001.png"]
    spoil(tmp_path / "spoiled", *bad)
    for file in bad:
        (tmp_path / "mended" / file).unlink()
    expected = load(tmp_path / "mended")
    for _ in range(2):
        caplog.clear()
        found = load(tmp_path / "spoiled", skip_bad=True)
        assert found.fingerprint == expected.fingerprint
        assert np.array_equal(stored(found.test)[0], stored(expected.test)[0])
        assert "Left out 3 of 28 images" in caplog.text
        assert all(str(tmp_path / "spoiled" / file) in caplog.text for file in bad)
        for module in (decoding, scanning):  # what was found bad is known the second time
            monkeypatch.setattr(module, "decode", None)
    monkeypatch.undo()
    with pytest.raises(BadImage, match=r"train/cat/000.png"):
        load(tmp_path / "spoiled")


def test_F62_a_mended_image_is_taken_in_again(tmp_path: Path) -> None:
    image_folder(tmp_path)
    whole = (tmp_path / "train/cat/000.png").read_bytes()
    expected = load(tmp_path).fingerprint
    spoil(tmp_path, "train/cat/000.png")
    assert load(tmp_path, skip_bad=True).fingerprint != expected
    (tmp_path / "train/cat/000.png").write_bytes(whole)
    assert load(tmp_path, skip_bad=True).fingerprint == expected


def test_F62_a_class_of_nothing_but_bad_images_is_named(tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("train", 4), ("test", 1)])
    spoil(tmp_path, "test/dog/000.png")
    with pytest.raises(
        InputError,
        match=r"test/dog: none of its images can be used:\n  .*/test/dog/000.png is not a readable image",
    ):
        load(tmp_path, skip_bad=True)


@pytest.mark.parametrize("side", [9600, 13000, 30000])
def test_F63_decompression_bomb_is_named_and_not_decoded(
    side: int, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    image_folder(tmp_path)
    bomb = tmp_path / "train/cat/bomb.png"
    bomb.write_bytes(black_png(side))
    with pytest.raises(InputError, match=rf"{bomb} is too large; 89,478,485 pixels are the limit") as caught:
        load(tmp_path)
    assert caught.value.exit_code == 2
    assert not recwarn.list


def test_F64_classes_that_differ_between_splits_are_listed(tmp_path: Path) -> None:
    image_folder(tmp_path, classes=["cat", "dog", "owl"])
    (tmp_path / "test/owl").rename(tmp_path / "test/eel")
    with pytest.raises(InputError, match="different classes; there is no test/owl, train/eel"):
        load(tmp_path)


def test_F65_hidden_files_and_folders_and_other_files_are_passed_over(tmp_path: Path) -> None:
    image_folder(tmp_path)
    before = load(tmp_path).fingerprint
    for folder in (".ipynb_checkpoints", "train/.ipynb_checkpoints", "train/cat/.thumbnails"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (3, 3)).save(tmp_path / folder / "x.png")
    for file in (
        "train/.DS_Store",
        "train/cat/._000.png",
        "train/cat/Thumbs.db",
        "train/readme.txt",
        "labels.csv",
    ):
        (tmp_path / file).write_bytes(b"x")
    assert load(tmp_path).fingerprint == before


def test_F65_empty_class_is_named(tmp_path: Path) -> None:
    image_folder(tmp_path)
    for file in (tmp_path / "test/dog").iterdir():
        file.rename(file.with_suffix(".txt"))
    with pytest.raises(
        InputError, match=rf"{tmp_path}/test/dog holds no images .* Add some, or remove the class."
    ):
        load(tmp_path)


def test_F65_links_that_lead_up_are_not_walked(tmp_path: Path) -> None:
    image_folder(tmp_path)
    before = load(tmp_path).fingerprint
    (tmp_path / "train/cat/loop").symlink_to(tmp_path / "train")
    (tmp_path / "train/loop").symlink_to(tmp_path)
    assert load(tmp_path).fingerprint == before


@pytest.mark.parametrize("place", ["test/self", "train/cat/self.png"])
@pytest.mark.parametrize("target", ["self", "nowhere"])
def test_F65_link_that_leads_nowhere_is_named(place: str, target: str, tmp_path: Path) -> None:
    image_folder(tmp_path)
    (tmp_path / place).symlink_to(tmp_path / (place if target == "self" else target))
    with pytest.raises(InputError, match=rf"{tmp_path / place} is a link that leads nowhere"):
        load(tmp_path)


def test_linked_class_folders_and_images_are_read(tmp_path: Path) -> None:
    image_folder(tmp_path / "real")
    (tmp_path / "view/train").mkdir(parents=True)
    for name in ("cat", "dog"):
        (tmp_path / "view/train" / name).symlink_to(tmp_path / "real/train" / name)
    (tmp_path / "view/test").symlink_to(tmp_path / "real/test")
    assert load(tmp_path / "view").fingerprint == load(tmp_path / "real").fingerprint


@pytest.mark.parametrize("place", ["", "train"])
def test_F65_flat_folder_is_explained(place: str, tmp_path: Path) -> None:
    image_folder(tmp_path / "all")
    flat = tmp_path / "all" / place if place else tmp_path / "flat"
    flat.mkdir(exist_ok=True)
    Image.new("RGB", (8, 8)).save(flat / "x.png")
    expected = "lies outside of any class folder" if place else r"has no folder 'train'; found: x.png"
    with pytest.raises(InputError, match=rf"{expected}.*train/<class>/"):
        load(tmp_path / "all" if place else tmp_path / "flat")


def test_without_a_test_folder_val_is_tested_on_and_validation_taken_from_train(tmp_path: Path) -> None:
    written = image_folder(tmp_path, counts=[("train", 10), ("val", 2)])
    loaders = load(tmp_path, val_fraction=0.2)
    assert (len(loaders.train), len(loaders.val), len(loaders.test)) == (16, 4, 4)
    tested = [pixels for path, pixels in written.items() if path.startswith("val/")]
    assert np.array_equal(stored(loaders.test)[0], tested)


def test_F67_changed_image_changes_the_fingerprint(tmp_path: Path) -> None:
    image_folder(tmp_path)
    before = load(tmp_path)
    file = tmp_path / "test/cat/000.png"
    Image.new("RGB", (8, 8), (1, 2, 3)).save(file)
    after = load(tmp_path)
    assert after.fingerprint != before.fingerprint
    assert (stored(after.test)[0][0] == [1, 2, 3]).all()


def test_F67_added_image_and_renamed_class_change_the_fingerprint(tmp_path: Path) -> None:
    image_folder(tmp_path)
    seen = {load(tmp_path).fingerprint}
    Image.new("RGB", (8, 8)).save(tmp_path / "train/cat/new.png")
    seen.add(load(tmp_path).fingerprint)
    for split in ("train", "test"):
        (tmp_path / split / "dog").rename(tmp_path / split / "eel")
    seen.add(load(tmp_path).fingerprint)
    assert len(seen) == 3


def test_nothing_is_written_into_the_users_folder(tmp_path: Path) -> None:
    image_folder(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    load(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before


def test_decoding_needs_no_torch() -> None:
    program = (
        "import sys, skiprun.data.folders.workers, skiprun.data.folders.decoding; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_several_processes_decode_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image_folder(tmp_path, counts=[("train", 20), ("test", 6)])
    monkeypatch.setattr(scanning, "BLOCK_FILES", 5)
    one = load(tmp_path)
    monkeypatch.setenv("SKIPRUN_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(scanning, "cores", lambda: [0, 1, 2])
    several = load(tmp_path)
    assert several.fingerprint == one.fingerprint
    assert np.array_equal(stored(several.train)[0], stored(one.train)[0])


def test_error_in_another_process_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image_folder(tmp_path)
    (tmp_path / "train/dog/003.png").write_bytes(b"x")
    monkeypatch.setattr(scanning, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(scanning, "BLOCK_FILES", 5)
    monkeypatch.setattr(scanning, "cores", lambda: [0, 1])
    with pytest.raises(BadImage, match=r"train/dog/003.png is not a readable image"):
        load(tmp_path)
