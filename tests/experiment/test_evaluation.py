"""What `skiprun evaluate` says beside the scores: classes, confusions, calibration, worst images, a page."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from skiprun.experiment import Evaluation, evaluate_in_detail, rebuild, train, write_evaluation
from skiprun.inference.split_results import label_results, mask_results
from skiprun.reports.evaluation_figures import evaluation_figures
from skiprun.results.split_results import LabelResults
from skiprun.run import Run
from skiprun.system.torchvision_repair import torchvision  # noqa: F401 - before torchmetrics imports it
from skiprun.tasks.classification import Classification
from skiprun.tasks.segmentation import Segmentation
from tests.support.command_line import run_here
from tests.support.data_files import image_folder
from tests.support.tiny import tiny_config

NAMES = [f"class {n}" for n in range(12)]


def results_of(logits: torch.Tensor, labels: torch.Tensor) -> LabelResults:
    kept = Classification().of_each_image(logits, labels)
    return label_results({name: array.numpy() for name, array in kept.items()}, NAMES[: logits.shape[1]])


@pytest.fixture(scope="module")
def noise() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    labels = torch.randint(12, (500,))
    return torch.randn(500, 12) + 2 * one_hot(labels, 12), labels


def test_calibration_and_top_5_are_those_of_torchmetrics(noise: tuple[torch.Tensor, torch.Tensor]) -> None:
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error

    logits, labels = noise
    found = results_of(logits, labels)
    ece = multiclass_calibration_error(logits.softmax(1), labels, 12, n_bins=15)
    assert found.ece == pytest.approx(ece.item(), abs=1e-6)
    top5 = multiclass_accuracy(logits, labels, 12, top_k=5, average="micro")
    assert found.top5_error == pytest.approx(100 * (1 - top5.item()), abs=1e-4)
    assert sum(each.images for each in found.reliability) == 500


def test_classes_and_confusions_add_up(noise: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = noise
    found, wrong = results_of(logits, labels), int((logits.argmax(1) != labels).sum())
    assert sum(each.wrong for each in found.classes) == sum(each.count for each in found.confusions) == wrong
    assert [each.error for each in found.classes] == sorted((e.error for e in found.classes), reverse=True)
    first = found.confusions[0]
    assert first.count == max(each.count for each in found.confusions)
    assert first.share == pytest.approx(first.count / int((labels == NAMES.index(first.name)).sum()))


def test_the_worst_images_are_the_surest_of_the_wrong() -> None:
    logits = torch.tensor([[9.0, 0, 0], [0, 1, 0], [0, 5, 0], [0, 0, 7]])
    found = results_of(logits, torch.tensor([0, 0, 0, 1]))
    assert [each.image for each in found.worst] == [3, 2, 1]
    assert (found.worst[0].name, found.worst[0].predicted) == ("class 1", "class 2")
    assert found.top5_error is None  # of three classes, five are all


def test_a_class_without_an_image_has_no_error() -> None:
    found = results_of(torch.eye(3), torch.tensor([0, 1, 0]))
    assert [each.name for each in found.classes] == ["class 0", "class 1", "class 2"]
    assert math.isnan(found.classes[-1].error)


def test_a_tied_label_counts_as_wrong_in_the_rank_too() -> None:
    kept = Classification().of_each_image(torch.zeros(1, 3), torch.tensor([1]))
    assert (kept["predicted"].item(), kept["rank"].item()) == (0, 1)


def test_masks_are_scored_by_class_and_image() -> None:
    truth = torch.tensor([[[0, 1], [2, 2]], [[0, 0], [255, 1]]], dtype=torch.uint8)
    predicted = torch.tensor([[[0, 1], [2, 1]], [[0, 0], [0, 0]]])
    task = Segmentation()
    counts = task.of_each_image(20.0 * one_hot(predicted, 3).permute(0, 3, 1, 2), truth)["counts"]
    found = mask_results(counts.sum(0), np.array([task.scores(each)["iou"] for each in counts]), NAMES[:3])
    assert [(each.name, each.iou) for each in found.classes] == [
        ("class 1", 1 / 3),
        ("class 2", 1 / 2),
        ("class 0", 3 / 4),
    ]
    assert {(each.name, each.predicted, each.count) for each in found.confusions} == {
        ("class 2", "class 1", 1),
        ("class 1", "class 0", 1),
    }
    assert [each.image for each in found.worst] == [1, 0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = tiny_config(
        name="tiny", schedule={"kind": "constant", "steps": 20}, data={"name": "digits", "batch_size": 64}
    )
    return train(config, runs=tmp_path_factory.mktemp("home") / "runs")


@pytest.fixture(scope="module")
def evaluation(run: Run) -> Evaluation:
    return evaluate_in_detail(rebuild(run), "test")


def test_it_says_of_each_image_what_the_run_kept(run: Run, evaluation: Evaluation) -> None:
    assert evaluation.scores == run.summary()["test"]
    with np.load(run.images_file) as kept:
        for name, array in evaluation.images.items():
            np.testing.assert_array_equal(array, kept[name])


def test_the_page_stands_alone_and_the_table_has_every_image(evaluation: Evaluation, tmp_path: Path) -> None:
    page = write_evaluation(evaluation, "<b>tiny</b>", tmp_path / "a" / "page")
    text = page.read_text()
    assert "&lt;b&gt;tiny" in text and "http" not in text.split("</head>")[1].replace("http://www.w3.org", "")
    assert text.count("data:image/png") >= len(evaluation.results.worst) > 0
    assert {file.name for file in page.parent.iterdir()} == {
        *("report.html", "confusion.png", "reliability.png", "images.csv"),
    }
    rows = list(csv.DictReader((page.parent / "images.csv").open()))
    wrong = sum(row["label"] != row["predicted"] for row in rows)
    assert 100 * wrong / len(rows) == evaluation.scores["error"]


def test_images_of_a_folder_are_called_by_their_files(tmp_path: Path) -> None:
    root = tmp_path / "own"
    image_folder(root)
    config = tiny_config(
        name="own",
        schedule={"kind": "constant", "steps": 1},
        data={"name": "image_folder", "root": str(root), "batch_size": 4, "image_size": 8},
    )
    scored = evaluate_in_detail(rebuild(train(config, runs=tmp_path / "runs")), "test")
    page = write_evaluation(scored, "own", tmp_path / "page")
    rows = list(csv.DictReader((page.parent / "images.csv").open()))
    assert rows and all((root / row["file"]).is_file() and row["label"] in row["file"] for row in rows)
    for row in rows:
        shown = f"{row['file']}: {row['label']} taken for {row['predicted']}"
        assert (shown in page.read_text()) == (row["label"] != row["predicted"])


def test_the_command_says_scores_first_and_json_has_all(run: Run) -> None:
    home = run.root.parent
    lines = run_here("evaluate", "tiny", folder=home).stdout.splitlines()
    assert lines[0] == "tiny/seed-0, test, in fp32" and lines[1].split() == ["score", "value"]
    assert "by class, the worst first" in lines and "ECE" in lines[-1]
    document = json.loads(run_here("evaluate", "tiny", "--json", folder=home).stdout)
    assert list(document)[:6] == ["run", "data", "split", "precision", "loss", "error"]
    assert {"classes", "confusions", "top5_error", "ece", "reliability", "worst"} <= document.keys()
    assert sum(each["images"] for each in document["classes"]) == run.summary()["data"]["test"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(run: Run) -> None:
    taken = run.root.parent / "taken"
    taken.write_text("")
    refused = run_here("evaluate", "tiny", "--report", str(taken), folder=run.root.parent)
    assert (refused.returncode, refused.stdout) == (6, "") and "is a file, not a folder" in refused.stderr


def test_numbers_of_bright_cells_stay_dark_on_a_dark_page() -> None:
    """Whatever is black takes the ink of the page, and would be white on yellow."""
    labels = torch.tensor([0] * 7 + [1] * 9)
    kept = Classification().of_each_image(5.0 * one_hot(labels, 2), labels)
    found = label_results({name: array.numpy() for name, array in kept.items()}, ["a", "b"])
    svg = evaluation_figures(found, ["a", "b"])[0].svg()
    inks = {text: style for style, text in re.findall(r'<text style="([^"]*)"[^>]*>(7|9)</text>', svg)}
    assert set(inks) == {"7", "9"} and all("fill:#1b1f24" in ink for ink in inks.values())


def test_of_very_many_classes_the_worst_are_drawn() -> None:
    torch.manual_seed(0)
    labels, names = torch.randint(150, (900,)), [f"{n}" for n in range(150)]
    kept = Classification().of_each_image(torch.randn(900, 150) + 3 * one_hot(labels, 150), labels)
    found = label_results({name: array.numpy() for name, array in kept.items()}, names)
    confusion, _ = evaluation_figures(found, names)
    assert "30 worst classes" in confusion.caption
    drawn = confusion.figure.axes[0].images[0].get_array()
    worst = found.classes[0]
    assert drawn.shape == (30, 30) and drawn[0, 0] == pytest.approx(1 - worst.wrong / worst.images)
