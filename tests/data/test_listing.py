"""What lies in a dataset folder: what is read, what is counted as not read, names near a split's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from rich.control import Control
from rich.panel import Panel
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

from skiprun.cli import terminal
from skiprun.config import DataConfig
from skiprun.data import load_data
from skiprun.data.folders.listing import list_images
from skiprun.data.folders.splits import split_meant
from skiprun.data.loaders import Loaders
from skiprun.display.console import PlainConsole
from skiprun.errors import InputError, OptionError
from tests.support.data_files import image_folder, stored

CPU = torch.device("cpu")


def load(root: Path, split_seed: int = 0, **options: Any) -> Loaders:
    config = DataConfig(name="image_folder", root=str(root), **{"batch_size": 2, **options})
    return load_data(config, CPU, split_seed=split_seed)


def put(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(file)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("valid", "val"),
        ("Validation", "val"),
        ("dev", "val"),
        ("testing", "test"),
        ("TEST", "test"),
        ("training", "train"),
    ],
)
@pytest.mark.parametrize("kind", ["image_folder", "mask_folder"])
def test_a_folder_called_nearly_like_a_split_is_refused_with_the_right_name(
    name: str, split: str, kind: str, tmp_path: Path
) -> None:
    for folder in {"train", "val", "test"} - {split}:
        for inner in ("images", "masks"):
            put(tmp_path / folder / inner / "0.png")
    put(tmp_path / name / "images" / "0.png")
    with pytest.raises(
        InputError, match=rf"{tmp_path / name} would not be read; .* Rename it to {split}, or move it"
    ):
        load_data(DataConfig(name=kind, root=str(tmp_path)), CPU)


def test_a_second_folder_for_a_split_is_to_be_merged(tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("train", 4), ("val", 2), ("valid", 2), ("test", 2)])
    with pytest.raises(InputError, match=rf"valid would not be read; .* Merge it with {tmp_path}/val"):
        list_images(tmp_path)


def test_a_link_to_a_split_is_that_split(tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("train", 4), ("val", 2), ("test", 2)])
    (tmp_path / "valid").symlink_to(tmp_path / "val")
    assert list_images(tmp_path).unused.beside == ["valid"]


@pytest.mark.parametrize("name", ["vase", "text", "brain", "trainer", "invalid", "contest", "2024"])
def test_other_names_are_no_splits(name: str) -> None:
    assert split_meant(name) is None


def test_what_is_not_read_is_counted_by_reason_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path / "data")
    put(tmp_path / "elsewhere/0.png")
    (tmp_path / "data/train/cat/linked").symlink_to(tmp_path / "elsewhere")
    for file in (
        "train/cat/a.txt",
        "train/cat/deep/b.npy",
        "train/readme.txt",
        "test/dog/noending",
        "test/dog/.hidden",
    ):
        (tmp_path / "data" / file).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / file).write_bytes(b"x")
    (tmp_path / "data/raw").mkdir()
    load(tmp_path / "data")
    assert caplog.messages == [
        f"Not read in {tmp_path}/data: files of other kinds: 4 (2 .txt, 1 .npy, 1 without ending); links to "
        "folders below a class: 1; hidden: 1; beside the splits: raw."
    ]


def test_a_folder_that_is_read_whole_is_passed_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image_folder(tmp_path)
    load(tmp_path)
    assert caplog.messages == []


def test_a_flat_folder_is_split_by_share_and_seed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    image_folder(tmp_path, counts=[("all", 20)])
    flat = tmp_path / "all"
    loaders = load(flat, val_fraction=0.25)
    assert [len(loaders.test), len(loaders.val), len(loaders.train)] == [8, 8, 24]
    assert np.bincount(stored(loaders.test)[1]).tolist() == [4, 4]
    assert "No splits in" in caplog.text and "8 of 40 images are kept for testing" in caplog.text
    parts = [
        {image.tobytes() for image in stored(split)[0]}
        for split in (loaders.train, loaders.val, loaders.test)
    ]
    assert len(set.union(*parts)) == 40, "every image is in one split"
    images = stored(loaders.test)[0]
    assert np.array_equal(stored(load(flat, val_fraction=0.25).test)[0], images)
    other = load(flat, val_fraction=0.25, split_seed=1)
    assert not np.array_equal(stored(other.test)[0], images) and other.fingerprint != loaders.fingerprint
    assert len(load(flat, test_fraction=0.5).test) == 20


def test_a_flat_folder_of_one_file_of_three_classes_uses_some_of_them(tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("all", 10)], classes=["cat", "dog", "owl"])
    loaders = load(tmp_path / "all", only_classes=["owl", "cat"])
    assert len(loaders.train) + len(loaders.val) + len(loaders.test) == 20
    assert stored(loaders.test)[1] == [1, 1, 0, 0]


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_share_that_leaves_nothing_is_refused_by_its_key(share: float, tmp_path: Path) -> None:
    image_folder(tmp_path, counts=[("all", 5)])
    with pytest.raises(OptionError, match=r"test_fraction: found 0\.\d+; of 10 images"):
        load(tmp_path / "all", test_fraction=share)


def test_a_flat_folder_that_is_no_set_of_classes_is_refused(tmp_path: Path) -> None:
    image_folder(tmp_path / "down" / "data")
    with pytest.raises(InputError, match=rf"stands too far down.*Set data.root={tmp_path}/down/data"):
        load(tmp_path / "down")
    for name in ("images", "masks"):
        for split in ("train", "test"):
            put(tmp_path / "seg" / split / name / "0.png")
    for place in ("seg/train", "seg"):
        with pytest.raises(
            InputError, match=r"seg/train holds images/ and masks/; they are no classes.*mask_folder"
        ):
            load(tmp_path / place)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["x.png"], "no folder 'train'.*comes nearest to the latter"),
        (["a/x.png", "b/x.png", "x.png"], "x.png lies outside.*comes nearest to the latter"),
        (["test/a/x.png", "test/b/x.png"], "no folder 'train'.*comes nearest to the former"),
        (["train/a/x.png", "test/x.png"], "x.png lies outside.*comes nearest to the former"),
        (["down/train/a/x.png"], "comes nearest to the former. Set data.root="),
    ],
)
def test_both_layouts_are_named_and_the_nearer_one(files: list[str], says: str, tmp_path: Path) -> None:
    for file in files:
        put(tmp_path / file)
    with pytest.raises(InputError, match=says) as caught:
        load(tmp_path)
    assert "either train/<class>/" in str(caught.value) and "or <class>/ alone" in str(caught.value)
    assert "data.test_fraction" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            ["images/x.png", "masks/x.png"],
            "test_fraction: found 0.2; of 1 images",
        ),
        (["images/x.png", "labels/x.png"], "no such folder. There is images, labels.*data.mask_dir"),
        (["down/images/x.png"], "Set data.root=.*down"),
        (["train/images/x.png", "train/masks/x.png"], "what to test on is missing"),
        (["test/images/x.png"], "lacks train"),
        (["down/train/images/x.png"], "Set data.root=.*down"),
        (["odd/x.png"], "data.image_dir, data.mask_dir.$"),
    ],
)
def test_a_folder_of_masks_is_told_what_it_lacks(files: list[str], says: str, tmp_path: Path) -> None:
    for file in files:
        put(tmp_path / file)
    with pytest.raises(InputError, match=says):
        load_data(DataConfig(name="mask_folder", root=str(tmp_path)), CPU)


def test_names_from_outside_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Left-out images, what is not read, the folder itself: all go one way, each once a command."""
    root = tmp_path / "\x1b[31mred"
    image_folder(root, counts=[("train", 6), ("test", 3)])
    (root / "train/cat/\x1b[32m\x07.png").write_bytes(b"no image")
    (root / "train/cat/\x1b[33m.\x1b[34m").write_bytes(b"x")
    (root / "\x1b[35m").mkdir()
    terminal.start_logging()
    for _ in range(2):
        load(root, skip_bad=True)
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\x07" not in said
    assert said.count("Left out 1 of 19 images:") == 1 and said.count("Not read in") == 1
    assert all(rf"\x1b[{number}m" in said for number in (31, 32, 34, 35))


def test_nothing_that_is_printed_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, titles, messages of a status file: the console itself lets no control character through."""
    for each in (terminal.results, terminal.people):
        table = Table(title="\x1b[31mtitle")
        table.add_column("head\ning\x1b]0;x\x07")
        table.add_row(Text("cell\u202e\x9b1m", style="red"))
        each.print(table)
        each.print(Text("a: \x1b[2Jb"), Panel("\x1b[5m"))
    said = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & {*said}
    assert said.count(r"\x1b[31mtitle") == 2 and said.count(r"a: \x1b[2Jb") == 2
    assert said.count("head") == 2, "a heading in two lines stays one"


def test_colours_and_bars_still_reach_a_terminal() -> None:
    file = io.StringIO()
    console = PlainConsole(file=file, force_terminal=True, color_system="standard")
    console.print(Text("red\x1b[32m", style="red"))
    console.control(Control(ControlType.CARRIAGE_RETURN))
    assert file.getvalue() == "\x1b[31mred\\x1b[32m\x1b[0m\n\r"
