"""Predictions for files and folders: what is read, what is written, and that nothing is replaced."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config_file import build_config
from skiprun.data.datasets.cells import draw_image
from skiprun.errors import BadImages, InputError, StorageError
from skiprun.experiment import load_run, predict, predict_masks, train
from skiprun.inference.output_files import MaskFolder
from skiprun.run import Run


def small_run(folder: Path, model: dict[str, Any], data: dict[str, Any]) -> Run:
    plain = {
        "name": data["name"],
        "model": model,
        "data": data,
        "schedule": {"steps": 2},
        "compute": {"precision": "fp32", "device": "cpu"},
        "log": {"tensorboard": False},
    }
    return train(build_config(plain), runs=folder)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Run:
    model = {"name": "resnet_cifar", "depth": 8, "width": 4}
    return small_run(tmp_path_factory.mktemp("runs"), model, {"name": "digits", "batch_size": 32})


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = {"name": "cells", "batch_size": 8, "image_size": 32}
    return small_run(tmp_path_factory.mktemp("runs"), {"name": "unet", "width": 4, "depth": 2}, data)


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of three images of cells with notes and a hidden file beside them, below the working folder."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["images/a.png", "images/deep/a.png", "images/deep/b.bmp"]):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_image(np.random.default_rng(number), 32)[0]).save(name)
    Path("images/notes.txt").write_text("notes")
    Path("images/.hidden.png").write_bytes(b"nothing")
    return Path("images")


def call(*arguments: object) -> Any:
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_folder_is_read_with_all_folders_in_it_and_what_is_no_image_is_said(
    labels: Run, images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = list(predict(labels, [images]))
    assert [item["file"] for item in found] == ["images/a.png", "images/deep/a.png", "images/deep/b.bmp"]
    assert caplog.messages == [
        "Not read in images, no images by their names: 1 .txt.",
        "To fit the network, of 3 images: 3 shrunk to 8x8.",
    ]
    assert [item["label"] for item in predict(labels, [images / "a.png"])] == [found[0]["label"]]


def test_masks_of_a_folder_keep_its_tree_and_go_to_predictions(masks: Run, images: Path) -> None:
    call("predict", masks.path, images)
    written = sorted(str(path) for path in Path().rglob("*.png") if "predictions" in path.parts)
    assert written == ["predictions/a.png", "predictions/deep/a.png", "predictions/deep/b.png"]


def test_masks_drawn_by_hand_are_not_touched(masks: Run, images: Path) -> None:
    """The folder that `mask_folder` asks for, called from within: the default moves, --out is refused."""
    Path("masks").mkdir()
    drawn = Path("masks/a.png")
    drawn.write_bytes(b"hours of work")
    call("predict", masks.path, images / "a.png")
    assert drawn.read_bytes() == b"hours of work" and Path("predictions/a.png").exists()
    with pytest.raises(InputError, match=r"masks/a.png is there already.*--overwrite"):
        call("predict", masks.path, images / "a.png", "--out", "masks")
    assert drawn.read_bytes() == b"hours of work"


@pytest.mark.parametrize(
    "there", ["predictions/a.png", "predictions/deep/b.png", "predictions/a-overlay.png"]
)
def test_one_file_that_is_there_stops_all_before_anything_is_written(
    masks: Run, images: Path, there: str
) -> None:
    Path(there).parent.mkdir(parents=True)
    Path(there).write_bytes(b"mine")
    with pytest.raises(InputError, match="is there already"):
        list(predict_masks(masks, [images], MaskFolder(Path("predictions"), overlay=True)))
    assert [path.read_bytes() for path in Path("predictions").rglob("*.png")] == [b"mine"]
    call("predict", masks.path, images, "--overlay", "--overwrite")
    assert Path(there).read_bytes() != b"mine"


def test_not_even_overwrite_replaces_an_image_that_is_read(masks: Run, images: Path) -> None:
    with pytest.raises(InputError, match="would be replaced by its mask"):
        call("predict", masks.path, images, "--out", images, "--overwrite")


def test_an_overlay_is_the_image_where_nothing_was_found(masks: Run, images: Path) -> None:
    (item,) = predict_masks(masks, [images / "a.png"], MaskFolder(Path("out"), overlay=True))
    image = np.asarray(Image.open(images / "a.png").convert("RGB")).astype(int)
    mask, laid = (np.asarray(Image.open(item[key])) for key in ("mask", "overlay"))
    expected = np.where(mask[..., None] > 0, (image + np.array([128, 0, 0])) // 2, image)
    assert np.array_equal(laid, expected)


def rows(file: str) -> list[list[str]]:
    with Path(file).open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def test_csv_has_the_probability_of_every_class(labels: Run, images: Path) -> None:
    (images / "deep" / 'odd, "name".png').write_bytes((images / "a.png").read_bytes())
    shown = call("predict", labels.path, images, "--csv", "out/found.csv", "--top", 2, "--json")
    head, *found = rows("out/found.csv")
    assert head == ["path", "label", *(f"probability {digit}" for digit in range(10))]
    assert found[-1][0] == 'images/deep/odd, "name".png'
    for row in found:
        values = [float(value) for value in row[2:]]
        assert sum(values) == pytest.approx(1) and int(row[1]) == int(np.argmax(values))
    assert [len(item["top"]) for item in json.loads(shown.stdout)] == [2] * 4


def test_csv_of_masks_has_the_share_of_every_class_and_is_not_replaced(masks: Run, images: Path) -> None:
    call("predict", masks.path, images / "a.png", "--csv", "found.csv")
    head, row = rows("found.csv")
    assert head == ["path", "mask", "share background", "share cell"]
    assert row[:2] == ["images/a.png", "predictions/a.png"] and float(row[2]) + float(
        row[3]
    ) == pytest.approx(1)
    with pytest.raises(InputError, match=r"found\.csv is there already"):
        call("predict", masks.path, images / "a.png", "--out", "other", "--csv", "found.csv")
    assert not Path("other").exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("imagse", "there is no such file or folder. Did you mean 'images'?"),
        ("images/aa.png", "there is no such file or folder. Did you mean 'a.png'?"),
        ("empty", "holds no images; found nothing"),
        ("texts", "holds no images; found 1 .txt"),
    ],
)
def test_what_is_not_there_is_one_clear_message(labels: Run, images: Path, given: str, says: str) -> None:
    Path("empty").mkdir()
    Path("texts").mkdir()
    Path("texts/notes.txt").write_text("notes")
    with pytest.raises(InputError) as caught:
        list(predict(labels, [Path(given)]))
    assert str(caught.value).startswith(given) and says in str(caught.value)


def test_a_file_where_a_folder_must_be_is_told_before_anything_is_computed(masks: Run, images: Path) -> None:
    with pytest.raises(StorageError, match="is a file, not a folder"):
        call("predict", masks.path, images, "--out", images / "notes.txt")
    with pytest.raises(StorageError, match="is a file, not a folder"):
        call("predict", masks.path, images, "--csv", images / "notes.txt" / "found.csv")


def test_an_option_for_masks_is_refused_by_a_run_that_labels(labels: Run, images: Path) -> None:
    with pytest.raises(InputError, match="--overlay"):
        call("predict", labels.path, images, "--overlay")


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("gpu", "found 'gpu'; input should be 'auto', 'cpu' or 'cuda'. Did you mean 'cuda'?"),
        ("mps", "found 'mps'; input should be 'auto', 'cpu' or 'cuda'. Apple's GPUs are not used; 'cpu'"),
        ("xpu", "found 'xpu'; input should be 'auto', 'cpu' or 'cuda'. Intel's GPUs are not used; 'cpu'"),
        ("cuda:1", "input should be 'auto', 'cpu' or 'cuda'. CUDA_VISIBLE_DEVICES=1 chooses that GPU."),
        ("cuda", "--device compute.device: found cuda, but"),
    ],
)
def test_a_device_that_is_not_there_is_told(
    labels: Run, images: Path, device: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    predicts, scores = ["predict", labels.path, images], ["evaluate", labels.path]
    for command in (predicts, scores, ["lesion", labels.path], ["gradflow", "plain20"]):
        with pytest.raises(InputError) as told:
            call(*command, "--device", device)
        assert says in str(told.value) and "\n" not in str(told.value)


def test_an_image_given_for_a_run_is_refused_as_no_run(images: Path) -> None:
    with pytest.raises(InputError, match="is no run directory"):
        load_run(images / "a.png")


def test_progress_is_told_of_every_image(labels: Run, images: Path) -> None:
    told: list[tuple[int, int, str]] = []
    list(predict(labels, [images], progress=lambda *values: told.append(values)))
    assert told == [(1, 3, "images"), (2, 3, "images"), (3, 3, "images")]


def test_what_is_changed_to_fit_the_network_is_said_once_in_numbers(
    labels: Run, images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(images / "colour.png")
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 6)).save(images / "wide.png")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(images / "fits.png")
    list(predict(labels, [images]))
    assert caplog.messages[1:] == [
        "To fit the network, of 6 images: 3 shrunk to 8x8, 1 enlarged to 8x8, 1 cut by more than a tenth, "
        "1 made grey."
    ]
    caplog.clear()
    list(predict(labels, [images / "fits.png"]))
    assert not caplog.messages


def test_masks_say_what_was_changed_too(masks: Run, images: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(np.full((32, 32, 3), [[[9, 80, 200]]], np.uint8)).save(images / "colour.png")
    list(predict_masks(masks, [images / "colour.png", images / "a.png"], MaskFolder(Path("out"))))
    assert caplog.messages == ["To fit the network, of 2 images: 1 made grey."]


@pytest.mark.parametrize("run", ["labels", "masks"])
def test_bad_images_are_named_at_once_and_nothing_is_written(
    run: str, images: Path, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(run).path
    for name in ("bad.png", "deep/worse.png"):
        (images / name).write_bytes(b"no image")
    keys = ["--csv", "found.csv", *(["--overlay"] if run == "masks" else [])]
    with pytest.raises(BadImages) as caught:
        call("predict", path, images, *keys)
    assert "2 images cannot be used:\n  2 files (images/bad.png, images/deep/worse.png): is not a" in str(
        caught.value
    )
    assert "\nMend or remove them, or leave such files out with --skip-bad." in str(caught.value)
    assert not Path("found.csv").exists() and not Path("predictions").exists()
    shown = call("predict", path, images, *keys, "--skip-bad")
    assert "of 3 images: 3 shrunk" in shown.stderr or run == "masks"
    assert "Left out 2 of 5 images" in shown.stderr and len(rows("found.csv")) == 4
