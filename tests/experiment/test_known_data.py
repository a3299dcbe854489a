"""A finished run and the data at its path: the same, moved, changed, or another set altogether."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import DataConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.errors import InputError, OtherData, RunTaken, SkiprunError
from skiprun.experiment import (
    ComparisonRequest,
    Launcher,
    evaluate,
    load_run,
    plan_comparison,
    train,
    train_missing,
)
from skiprun.experiment.data_place import config_with_data, recorded
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.replay import replay
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_target import DataPlace
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.run import Run
from skiprun.system.documents import write_sealed
from skiprun.system.files import write_json
from skiprun.system.progress import NullProgress
from tests.support.data_files import image_folder

CPU = torch.device("cpu")
COUNTS = (("train", 10), ("test", 4))
SHADES = {"cat": 40, "dog": 200}


def shaded(root: Path, shades: dict[str, int] = SHADES) -> Path:
    """Write images whose brightness says their class."""
    for path in image_folder(root, tuple(shades), COUNTS):
        write_shade(root / path, shades[Path(path).parent.name] + int(Path(path).stem) % 5)
    return root


def write_shade(file: Path, value: int, kind: type[np.generic] = np.uint8) -> None:
    """Write an image of one shade, but for a pixel."""
    shape = (8, 8, 3) if kind is np.uint8 else (8, 8)
    pixels: np.ndarray = np.full(shape, value, kind)
    pixels[0, 0] += 1 if kind is np.uint8 else 100
    Image.fromarray(pixels).save(file)


def config(root: str, **sections: Any) -> Any:
    plain = {
        "name": "done",
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "image_folder", "root": root, "batch_size": 8, "val_fraction": 0.2},
        "optim": {"lr": 0.05},
        "schedule": {"epochs": 8},
        "compute": {"precision": "fp32", "device": "cpu"},
        "log": {"tensorboard": False},
    }
    return build_config(plain | sections)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/ and, trained on it by a relative path, runs/done."""
    place = tmp_path_factory.mktemp("place")
    shaded(place / "data")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(place)
        here.setenv("SKIPRUN_DATA", str(place / "cache"))
        train(config("data"), runs="runs")
    return place


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which nothing points back to the original; the working folder."""
    copy = tmp_path / "place"
    shutil.copytree(original, copy)
    for file in copy.glob("runs/*/*/*.json"):
        moved = json.loads(file.read_text().replace(str(original), str(copy)))
        moved.pop("checksum", None)
        (write_sealed if file.name == "summary.json" else write_json)(file, moved)
    monkeypatch.chdir(copy)
    return copy


class StopAfterOne(NullProgress):
    """Interrupts a run after its first epoch."""

    def epoch(self, record: dict[str, Any]) -> None:
        raise KeyboardInterrupt


def begin(name: str = "begun") -> Run:
    with pytest.raises(KeyboardInterrupt):
        train(config("data", name=name), runs="runs", progress=StopAfterOne())
    return load_run(name)


def rename_class() -> None:
    for split in ("train", "test"):
        Path("data", split, "dog").rename(Path("data", split, "alsatian"))


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_data_of_a_run_is_recorded_with_its_absolute_place(place: Path) -> None:
    run = load_run("done")
    record = run.summary()["data"]
    assert record["root"] == str(place / "data")
    assert record["class_names"] == ["cat", "dog"] and record["fingerprint"]
    assert run.sessions()[0]["data"]["fingerprint"] == record["fingerprint"]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_changed_folder_is_refused_for_every_split_with_what_differs(place: Path, split: str) -> None:
    for number in range(10, 15):
        shutil.copy("data/test/cat/000.png", f"data/train/cat/{number:03}.png")
    with pytest.raises(OtherData, match=r"16 images in train then, 20 now.*--other-data") as caught:
        evaluate("done", split=split)
    assert caught.value.exit_code == 2


def test_contents_alone_are_a_difference(place: Path) -> None:
    shaded(place / "data", {"cat": 41, "dog": 200})
    with pytest.raises(OtherData, match="not their number"):
        evaluate("done")


DOORS = {
    "evaluate": lambda: call("evaluate", "done"),
    "lesion": lambda: call("lesion", "done", "--draws", "1"),
    "truncate": lambda: call("truncate", "done"),
    "landscape": lambda: call("landscape", "done", "--steps", "3", "--jobs", "1"),
    "gradflow": lambda: call("gradflow", "done", "--batches", "1"),
    "similarity": lambda: call("similarity", "done", "done"),
    "studies run": lambda: call("studies", "run", "paths", "done", "--option", "draws=1"),
    "resume --verify": lambda: call("resume", "done", "--verify", "2"),
    "Python": lambda: run_study(StudyRequest("lesion", find_trained(["done"], Path("runs")))),
    "Python, loaders": lambda: evaluate("done", load_data(config("data").data, CPU)),
    "replay": lambda: replay(load_run("done"), 2),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_a_renamed_class(place: Path, door: str) -> None:
    rename_class()
    with pytest.raises(OtherData, match="classes cat, dog then, alsatian, cat now"):
        DOORS[door]()


def test_a_run_that_goes_on_is_refused_by_train_resume_and_compare(place: Path) -> None:
    run = begin()
    rename_class()
    before = run.environment_file.read_bytes()
    with pytest.raises(OtherData, match="start over with `skiprun train --fresh`"):
        train(config("data", name="begun"), runs="runs")
    with pytest.raises(OtherData):
        call("resume", "begun")
    with pytest.raises(OtherData):
        train_missing(plan_comparison(ComparisonRequest(["begun"])), Path("runs"), Launcher(jobs=1))
    assert run.environment_file.read_bytes() == before


@pytest.mark.parametrize("lost", [True, False], ids=["moved", "changed"])
def test_a_run_whose_data_is_not_there_or_other_is_not_made_longer_and_stays_as_it_was(
    place: Path, lost: bool
) -> None:
    before = {file: file.read_bytes() for file in Path("runs/done").rglob("*") if file.is_file()}
    if lost:
        Path("data").rename("elsewhere")
    else:
        rename_class()
    with pytest.raises(InputError):
        call("resume", "done", "--epochs", "9")
    assert {file: file.read_bytes() for file in Path("runs/done").rglob("*") if file.is_file()} == before


def test_a_begun_run_without_a_record_is_known_by_its_checkpoint(place: Path) -> None:
    run = begin()
    sessions = [{key: value for key, value in session.items() if key != "data"} for session in run.sessions()]
    run.environment_file.write_text(json.dumps({"sessions": sessions}))
    assert set(recorded(run)) == {"fingerprint", "train"}
    shaded(place / "data", {"cat": 41, "dog": 200})
    with pytest.raises(OtherData):
        evaluate(run)


def test_an_older_run_without_a_fingerprint_is_scored_and_says_that_it_could_not_be_compared(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = load_run("done")
    summary = run.summary()
    del summary["data"]["fingerprint"], summary["data"]["root"]
    run.finish(summary)
    run.environment_file.unlink()
    assert evaluate(run) == summary["test"]
    assert any("could not be compared" in line for line in caplog.messages)


def test_other_data_is_matched_by_class_name_and_normalized_as_the_run_was(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another set whose white training images give another mean, by which its dogs would look like cats."""
    other = shaded(place / "other", {"dog": 200, "cat": 40})
    for path in other.glob("train/*/*.png"):
        write_shade(path, 250)
    scores = evaluate("done", root=other, other_data=True)
    assert scores["error"] == 0 and any("other data" in line for line in caplog.messages)
    loaders = KnownData(load_run("done"), other_data=True)(
        load_data(DataConfig(name="image_folder", root=str(other), batch_size=2), CPU)
    )
    record = load_run("done").summary()["data"]
    assert (list(loaders.mean), list(loaders.std)) == (record["mean"], record["std"])


def test_a_class_in_another_order_keeps_its_label_and_an_absent_one_is_said(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shaded(place / "three", {"ant": 120, "cat": 40, "dog": 200})
    trained = train(config("three", name="three"), runs="runs")
    known = KnownData(trained, other_data=True)
    loaders = known(load_data(config("data").data, CPU))
    assert loaders.class_names == ("ant", "cat", "dog")
    assert loaders.test.take(torch.arange(8))[1].tolist() == [1] * 4 + [2] * 4
    assert caplog.messages[-1] == "Without images: ant."


def test_deep_images_of_another_range_are_refused_since_the_same_value_would_be_another_shade(
    place: Path,
) -> None:
    for path in Path("data").glob("*/*/*.png"):
        write_shade(path, {"cat": 1000, "dog": 4000}[path.parent.name], np.uint16)
    run = train(config("data", name="deep"), runs="runs")
    assert run.summary()["data"]["conversion"]["span"] == [1000.0, 4100.0]
    write_shade(Path("data/train/cat/000.png"), 500, np.uint16)
    with pytest.raises(
        InputError, match="500 to 4100 of these deep images became 0 to 255, and of the run's 1000 to"
    ):
        evaluate("deep", other_data=True)


def test_a_class_that_the_run_does_not_know_is_refused_by_name(place: Path) -> None:
    rename_class()
    with pytest.raises(InputError, match=r"does not know the class 'alsatian'.*cat, dog"):
        evaluate("done", other_data=True)


def test_a_study_of_other_data_says_so_in_its_document_and_trains_nothing_again(place: Path) -> None:
    shaded(place / "data", {"cat": 45, "dog": 205})
    (document,) = run_study(
        StudyRequest(
            "lesion", find_trained(["done"], Path("runs"), DataPlace(other_data=True)), options={"draws": 1}
        )
    )
    assert "of other data" in document["subjects"][0]["data"]
    with pytest.raises(InputError, match="cannot be trained again"):
        call("landscape", "done", "--other-data", "--trajectory", "--steps", "3", "--jobs", "1", "--quiet")


def test_other_data_that_lacks_a_class_is_scored_though_the_training_balanced_them(tmp_path: Path) -> None:
    for name in ("mine", "other"):
        for label in "xyz" if name == "mine" else "xy":
            folder = tmp_path / name / label
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(12):
                noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3)).astype(np.uint8)
                Image.fromarray(noise).save(folder / f"{number}.png")
    data = {"name": "image_folder", "root": str(tmp_path / "mine"), "image_size": 8, "batch_size": 4}
    plain = {"name": "own", "model": {"name": "resnet_cifar", "depth": 8, "width": 4}, "data": data}
    rest = {"schedule": {"steps": 2}, "optim": {"class_weights": "balanced"}, "log": {"tensorboard": False}}
    run = train(plain | rest, runs=tmp_path / "runs")
    scores = evaluate(run, root=tmp_path / "other", other_data=True)
    assert 0 <= scores["error"] <= 100


def test_masks_keep_void_and_their_border_weights() -> None:
    from skiprun.experiment.matching import Matched

    class One:
        def __len__(self) -> int:
            return 1

        def labels(self) -> np.ndarray:
            raise NotImplementedError

        def take(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            plane = torch.tensor([[[0, 1, 255]]], dtype=torch.uint8)
            return torch.zeros(1, 1, 1, 3, dtype=torch.uint8), torch.stack([plane, plane], 1)

    table = torch.arange(256)
    table[:2] = torch.tensor([1, 0])
    images, masks = Matched(One(), table, 3).take(torch.tensor([0]))
    assert images.shape == (1, 3, 1, 3) and masks.dtype == torch.uint8
    assert masks.tolist() == [[[[1, 0, 255]], [[0, 1, 255]]]]


def test_other_masks_are_scored_with_the_trivial_answer_of_their_own_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another set, whose object is half as large."""
    monkeypatch.chdir(tmp_path)
    for root, width in [("data", 8), ("other", 4)]:
        for split in ("train", "val", "test"):
            for number in range(4):
                mask = np.zeros((16, 16), np.uint8)
                mask[:, :width] = 255
                for kind, values in [("images", mask // 2 + 10 * number), ("masks", mask)]:
                    Path(root, split, kind).mkdir(parents=True, exist_ok=True)
                    Image.fromarray(values.astype(np.uint8)).save(Path(root, split, kind, f"{number}.png"))
    data = {"name": "mask_folder", "root": "data", "batch_size": 2}
    model = {"name": "unet", "width": 4, "depth": 2}
    run = train(config("data", name="masks", model=model, data=data, schedule={"steps": 2}), runs="runs")
    with pytest.raises(OtherData):
        call("evaluate", "masks", "--root", "other")
    shown = json.loads(call("evaluate", "masks", "--root", "other", "--other-data", "--json"))
    assert shown["data"] != run.summary()["data"]["fingerprint"]
    assert shown["trivial"]["iou"] == pytest.approx(0.25) and run.summary()["trivial"]["test"]["iou"] == 0.5


def test_a_relative_root_is_found_from_another_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (place / "elsewhere").mkdir()
    shaded(place / "elsewhere" / "data", {"ant": 40, "bee": 200})
    monkeypatch.chdir(place / "elsewhere")
    run = load_run(place / "runs" / "done")
    assert evaluate(run) == run.summary()["test"]
    assert any(str(place / "data") in line for line in caplog.messages)


def test_moved_data_is_scored_studied_and_resumed(place: Path) -> None:
    """A path is not part of the experiment: train takes another, resume and the rest take --root."""
    run, scores = begin(), load_run("done").summary()["test"]
    whole = train(config("data", name="whole"), runs="runs")
    Path("data").rename("moved")
    for door in (lambda: evaluate("done"), lambda: call("lesion", "done"), lambda: call("resume", "begun")):
        with pytest.raises(InputError, match=r"was in .*data, which is not there now.*--root"):
            door()
    assert json.loads(call("evaluate", "done", "--root", "moved", "--json"))["error"] == scores["error"]
    call("truncate", "done", "--root", "moved", "--quiet")
    call("resume", "done", "--verify", "2", "--root", "moved")
    call("resume", "begun", "--root", "moved", "--quiet")
    assert run.summary()["best"] == whole.summary()["best"]


def test_train_goes_on_from_another_path_but_not_with_another_split(place: Path) -> None:
    begin()
    Path("data").rename("moved")
    with pytest.raises(RunTaken, match=r"seeds\.split"):
        train(config("moved", name="begun", seeds={"split": 1}), runs="runs")
    assert train(config("moved", name="begun"), runs="runs").state == "finished"
    assert config_with_data(load_run("begun")).data.root == str(place / "moved")


def test_a_root_that_is_not_there_is_refused_by_name(place: Path) -> None:
    with pytest.raises(SkiprunError, match="--root nowhere: there is no such folder"):
        evaluate("done", root="nowhere")
