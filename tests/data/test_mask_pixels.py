"""Masks on which nothing could be learned or scored: counted, refused at every door, never a score of 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from skiprun.claims.comparison import compare_runs
from skiprun.cli.app import app
from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config
from skiprun.data import load_data
from skiprun.data.loaders import Loaders
from skiprun.data.pixels import count_pixels
from skiprun.errors import InputError
from skiprun.experiment import prepare, train
from skiprun.experiment.doctor import examine
from skiprun.experiment.matching import renumbered
from skiprun.experiment.study_runner.images import Images
from skiprun.reports import comparison_table, write_comparison
from skiprun.run import Run
from skiprun.tasks.segmentation import constant_scores

CPU = torch.device("cpu")
MASKS = {
    "half": 255 * (np.arange(16) > 7),
    "quarter": 255 * (np.arange(16) > 11),
    "none": np.zeros(16),
    "all": np.full(16, 255),
}


def write_folder(root: Path, **splits: str) -> Path:
    """Write four images a split, 16x16, with masks of one kind; the right half of `half` is object."""
    for split, kind in splits.items():
        for number in range(4):
            chance = np.random.default_rng(number)
            for folder, row in (("images", chance.integers(0, 256, 16)), ("masks", MASKS[kind])):
                (root / split / folder).mkdir(parents=True, exist_ok=True)
                values = np.tile(row, (16, 1)).astype(np.uint8)
                Image.fromarray(values).save(root / split / folder / f"{number}.png")
    return root


def config_of(root: Path, **data: Any) -> RunConfig:
    plain = {
        "name": "masks",
        "model": {"name": "unet", "width": 2, "depth": 2},
        "data": {"name": "mask_folder", "root": str(root), "batch_size": 2, "val_fraction": 0.25} | data,
        "optim": {"name": "adamw", "lr": 0.01},
        "schedule": {"epochs": 1},
        "compute": {"precision": "fp32", "threads": 1, "device": "cpu"},
        "log": {"tensorboard": False},
    }
    return build_config(plain)


def load(root: Path, **data: Any) -> Loaders:
    return load_data(config_of(root, **data).data, CPU)


def test_pixels_are_counted_by_split_and_class(tmp_path: Path) -> None:
    loaders = load(write_folder(tmp_path, train="half", test="half"), border_weight=1)
    assert loaders.pixels == {"train": (384, 384, 0), "val": (128, 128, 0), "test": (512, 512, 0)}
    padded = load(tmp_path, image_size=24, fit="tile")
    assert padded.pixels["test"] == (512, 512, 4 * (24 * 24 - 16 * 16))


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize(
    ("kind", "problem"), [("none", "no pixel is object"), ("all", "every pixel is object")]
)
def test_a_split_of_one_class_is_refused_by_name(tmp_path: Path, split: str, kind: str, problem: str) -> None:
    root = write_folder(tmp_path, **dict.fromkeys(("train", "val", "test"), "half") | {split: kind})
    with pytest.raises(InputError, match=f"in {split} {problem} .*Put images into {split}") as caught:
        load(root)
    assert caught.value.exit_code == 2 and "1,024" in str(caught.value)


def test_an_object_that_was_set_to_be_void_is_refused_with_the_key(tmp_path: Path) -> None:
    root = write_folder(tmp_path, train="half", test="half")
    with pytest.raises(
        InputError, match=r"no pixel is object \(background 384, void 384\).*leave data.ignore_index out"
    ):
        load(root, ignore_index=255)
    with pytest.raises(InputError, match="every pixel is void"):
        load(write_folder(tmp_path, train="all", test="all"), ignore_index=255)


def test_a_validation_split_that_misses_a_class_names_the_keys_that_draw_it(tmp_path: Path) -> None:
    root = write_folder(tmp_path, train="none", test="half")
    Image.fromarray(np.tile(MASKS["half"], (16, 1)).astype(np.uint8)).save(root / "train" / "masks" / "0.png")
    with pytest.raises(
        InputError, match=r"in (val|train) no pixel is object .*seeds.split or data.val_fraction"
    ):
        load(root)


def test_a_class_that_is_named_and_nowhere_is_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path, train="half", test="half")
    for file in root.rglob("masks/*.png"):
        Image.fromarray(np.asarray(Image.open(file)) // 255).save(file)
    with pytest.raises(InputError, match=r"in train no pixel is edge or rim \(background 384, disc 384\)"):
        load(root, classes=["background", "disc", "edge", "rim"])


def test_doctor_and_train_and_the_command_refuse_before_a_run_is_made(tmp_path: Path) -> None:
    root, runs = write_folder(tmp_path / "data", train="half", test="none"), tmp_path / "runs"
    failed = {check.name: check.finding for check in examine(config_of(root), runs) if check.state == "fail"}
    assert "in test no pixel is object" in failed["data and network"]
    with pytest.raises(InputError, match="in test no pixel"):
        train(config_of(root), runs=runs)
    assert not list(runs.rglob("config.yaml"))


def test_a_run_says_its_pixels_and_doctor_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_folder(tmp_path / "data", train="half", test="half")
    run = train(config_of(root), runs=tmp_path / "runs")
    line = (
        "Pixels: train background 384, object 384; val background 128, object 128; "
        "test background 512, object 512."
    )
    assert line in caplog.messages and line in " ".join(
        check.finding for check in examine(config_of(root), tmp_path / "other")
    )
    assert run.summary()["data"]["pixels"]["test"] == [512, 512, 0]


def test_no_checkpoint_is_chosen_by_a_split_with_nothing_to_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dataset of a plug-in may come past the check; the loop has the last word."""
    monkeypatch.setattr("skiprun.data.assemble.check_pixels", lambda *_, **__: None)
    root = write_folder(tmp_path / "data", train="half", val="half", test="half")
    for file in (root / "val" / "masks").iterdir():
        Image.fromarray(np.full((16, 16), 7, np.uint8)).save(file)
    config = config_of(root, ignore_index=7)
    with pytest.raises(InputError, match="nothing that iou could score"):
        train(config, runs=tmp_path / "runs")
    assert not list(tmp_path.rglob("best.pt"))


def test_a_study_of_images_whose_masks_show_nothing_is_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path, train="half", test="none")
    Image.fromarray(np.tile(MASKS["half"], (16, 1)).astype(np.uint8)).save(root / "test" / "masks" / "0.png")
    images = Images(load(root), batch_size=4)
    assert len(images.scored("test", None)[0][0]) == 4
    assert images.about("test") == "test split (one class everywhere has iou 0.1250)"
    with pytest.raises(InputError, match="masks of 1 image to score show nothing"):
        images.scored("test", 1)


def test_a_value_that_is_no_class_is_refused_wherever_the_masks_come_from() -> None:
    masks = np.array([[[0, 1, 255, 5]]], np.uint8)
    assert count_pixels(masks, np.arange(1), 6) == (1, 1, 0, 0, 0, 1, 1)
    with pytest.raises(InputError, match="value 5, and there are 2 classes"):
        count_pixels(masks, np.arange(1), 2)


# The floor.


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on four images, half of whose pixels are object."""
    folder = tmp_path_factory.mktemp("floor")
    return train(config_of(write_folder(folder / "data", train="half", test="half")), runs=folder / "runs")


HALF = {"iou": 0.5, "dice": 2 / 3, "boundary": 0.0, "pixel_error": 0.5}


def test_the_trivial_answer_stands_beside_the_scores_of_a_run(run: Run) -> None:
    assert constant_scores([512, 512]) == pytest.approx(HALF)
    assert run.summary()["trivial"] == {split: pytest.approx(HALF) for split in ("train", "val", "test")}
    assert prepare(run.config).trivial["val"] == pytest.approx(HALF)
    shown = CliRunner().invoke(app, ["runs", "show", str(run.path)]).output
    assert "trivial.test.iou" in shown


@pytest.mark.parametrize("split", ["val", "test"])
def test_evaluate_prints_the_trivial_answer(run: Run, split: str) -> None:
    shown = CliRunner().invoke(app, ["evaluate", str(run.path), "--split", split]).output
    assert "one class everywhere" in shown and "0.5000" in shown and "0.6667" in shown
    document = json.loads(
        CliRunner().invoke(app, ["evaluate", str(run.path), "--split", split, "--json"]).stdout
    )
    assert document["trivial"] == pytest.approx(HALF)


def test_train_prints_the_trivial_answer(run: Run) -> None:
    config = run.path.parent / "again.yaml"
    config.write_text((run.path / "config.yaml").read_text())
    shown = CliRunner().invoke(app, ["train", str(config), "--runs", str(run.path.parents[1])]).output
    assert "(0.5 by one class everywhere)" in shown and "(0.6667 by one class everywhere)" in shown


def test_the_trivial_answer_is_that_of_the_data_that_is_scored(run: Run, tmp_path: Path) -> None:
    """Other data has a floor of its own, by the numbers that its classes have for the run."""
    root = write_folder(tmp_path, train="half", test="quarter")
    document = ["evaluate", str(run.path), "--root", str(root), "--other-data", "--json"]
    assert json.loads(CliRunner().invoke(app, document).stdout)["trivial"]["iou"] == pytest.approx(0.25)
    assert renumbered((10, 20, 30, 5), [0, 3, 1], 4) == (10, 30, 0, 20, 5)


def test_a_comparison_says_the_trivial_answer_in_table_and_page(run: Run, tmp_path: Path) -> None:
    comparison = compare_runs([run])
    line = (
        "Trivial: one class everywhere scores on the test split of mask_folder iou 0.5000, "
        "dice 0.6667, boundary"
    )
    assert any(remark.startswith(line) for remark in comparison.remarks)
    assert any("square of side 3, not in a disc" in remark for remark in comparison.remarks)
    write_comparison(comparison, tmp_path)
    assert "Trivial: one class everywhere" in (tmp_path / "report.html").read_text()
    assert "Trivial: one class everywhere" in (tmp_path / "report.md").read_text()


def test_a_score_that_could_not_be_taken_is_a_dash_in_tables_and_null_in_json(
    run: Run, tmp_path: Path
) -> None:
    from rich.console import Console

    copy = tmp_path / "copy" / "seed-0"
    copy.mkdir(parents=True)
    for name in ("config.yaml", "environment.json", "metrics.jsonl", "status.json"):
        if (run.path / name).exists():
            (copy / name).write_text((run.path / name).read_text())
    summary = run.summary()
    summary["test"]["boundary"] = None
    (copy / "summary.json").write_text(json.dumps(summary))
    comparison = compare_runs([Run.open(copy)])
    console = Console(width=200)
    with console.capture() as printed:
        console.print(comparison_table(comparison))
    assert "nan" not in printed.get() and " - " in printed.get()
    write_comparison(comparison, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert written["groups"][0]["test"]["boundary"]["mean"] is None
