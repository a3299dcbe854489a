"""One denominator a step and a split: cutting changes no loss; what training adds is not evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.utils import compute_class_weight
from torch import Tensor, nn

from skiprun.config.experiment import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import ConfigError
from skiprun.experiment import evaluate, load_model, train
from skiprun.experiment.parts import Parts
from skiprun.experiment.prepare import prepare
from skiprun.inference.evaluate import evaluate_batches
from skiprun.run.directory import Run
from skiprun.tasks import Task
from skiprun.tasks.classification import Classification
from skiprun.tasks.masks import VOID
from skiprun.tasks.segmentation import Segmentation
from skiprun.training.micro_batches import micro_batches
from tests.support.tiny import tiny_config, tiny_trainer


def masks(number: int, with_borders: bool = False) -> Tensor:
    """Return masks of which the first is void but for a row, the second without, the third void alone."""
    torch.manual_seed(number)
    target = torch.randint(number, (8, 12, 10), dtype=torch.uint8)
    target[0, 1:] = VOID
    target[2] = VOID
    return (
        torch.stack([target, torch.randint(256, target.shape, dtype=torch.uint8)], 1)
        if with_borders
        else target
    )


def weights(number: int) -> Tensor:
    """Return weights of classes."""
    return torch.linspace(0.1, 3, number)


CASES: dict[str, tuple[Task, tuple[int, ...], Tensor]] = {
    "labels": (Classification(), (8, 5), torch.arange(8) % 5),
    "smoothed labels": (Classification(0.2), (8, 5), torch.arange(8) % 5),
    "mixed labels": (Classification(0.2), (8, 5), torch.eye(5).repeat(2, 1)[:8].lerp(torch.eye(5)[0], 0.3)),
    "weighted labels": (Classification(0.2, weights(5)), (8, 5), torch.arange(8) % 5),
    "weighted masks": (
        Segmentation("sum", label_smoothing=0.1, class_weights=weights(4)),
        (8, 4, 12, 10),
        masks(4),
    ),
    "cross entropy": (Segmentation("cross_entropy"), (8, 1, 12, 10), masks(2)),
    "smoothed cross entropy": (Segmentation("cross_entropy", label_smoothing=0.1), (8, 4, 12, 10), masks(4)),
    "dice": (Segmentation("dice"), (8, 1, 12, 10), masks(2)),
    "dice of four": (Segmentation("dice"), (8, 4, 12, 10), masks(4)),
    "sum": (Segmentation("sum"), (8, 4, 12, 10), masks(4)),
    "borders": (Segmentation("sum", border_weight=10.0), (8, 1, 12, 10), masks(2, with_borders=True)),
}


@pytest.mark.parametrize("parts", [2, 4, 8])
@pytest.mark.parametrize("case", CASES)
def test_the_shares_of_micro_batches_are_the_loss_and_the_gradient_of_the_step(case: str, parts: int) -> None:
    task, shape, target = CASES[case]
    whole = torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    cut = whole.detach().clone().requires_grad_()
    expected = task.loss(whole, target)
    expected.backward()
    normalizers = task.normalizers(target, training=True)
    shares = [
        task.loss(output, truth, normalizers)
        for output, truth in zip(cut.chunk(parts), target.chunk(parts), strict=True)
    ]
    torch.stack(shares).sum().backward()
    assert sum(share.item() for share in shares) == pytest.approx(expected.item(), rel=1e-5)
    assert whole.grad is not None
    torch.testing.assert_close(cut.grad, whole.grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("mixed")])
def test_a_split_has_one_loss_and_one_score_whatever_its_batches(case: str, size: int) -> None:
    task, shape, target = CASES[case]
    output = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    as_one = evaluate_batches(nn.Identity(), task, [(output, target)])
    cut = evaluate_batches(
        nn.Identity(), task, list(zip(output.split(size), target.split(size), strict=True))
    )
    assert cut == pytest.approx(as_one, rel=1e-6)


def test_evaluation_has_neither_label_smoothing_nor_border_weights() -> None:
    for plain, trained in (
        ("labels", "smoothed labels"),
        ("labels", "weighted labels"),
        ("sum", "borders"),
        ("sum", "weighted masks"),
    ):
        task, shape, target = CASES[trained]
        output = torch.randn(shape, generator=torch.Generator().manual_seed(3))
        unsmoothed = type(CASES[plain][0])()
        assert evaluate_batches(nn.Identity(), task, [(output, target)]) == evaluate_batches(
            nn.Identity(), unsmoothed, [(output, target)]
        )
        assert abs(task.loss(output, target) - unsmoothed.loss(output, target)) > 0.01


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("mixed", [False, True])
def test_class_weights_are_torch_s(smoothing: float, mixed: bool) -> None:
    torch.manual_seed(0)
    output, target = torch.randn(12, 5), torch.randint(5, (12,))
    target = torch.randn(12, 5).softmax(1) if mixed else target
    expected = F.cross_entropy(output, target, weights(5), label_smoothing=smoothing)
    torch.testing.assert_close(Classification(smoothing, weights(5)).loss(output, target), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("classes", [2, 4])
def test_class_weights_of_masks_are_torch_s(smoothing: float, classes: int) -> None:
    target = masks(classes)
    task = Segmentation("cross_entropy", label_smoothing=smoothing, class_weights=weights(classes))
    output = torch.randn(8, classes, 12, 10)
    ours = task.loss(output[:, 1:] - output[:, :1] if classes == 2 else output, target)
    expected = F.cross_entropy(
        output, target.long(), weights(classes), ignore_index=VOID, label_smoothing=smoothing
    )
    torch.testing.assert_close(ours, expected)


def test_balanced_weights_are_scikit_learn_s_and_lists_must_fit() -> None:
    parts = prepare(class_config("balanced"))
    labels = parts.loaders.train.labels()
    expected = compute_class_weight("balanced", classes=np.arange(10), y=labels)
    assert weights_of(parts) == pytest.approx(expected.tolist())
    assert any(note.startswith("Class weights of the training loss: ") for note in parts.notes)
    with pytest.raises(ConfigError, match=r"optim\.class_weights: found 3 weights, and there are 10 classes"):
        prepare(class_config([1.0, 2.0, 3.0]))


def weights_of(parts: Parts) -> list[float]:
    task = parts.task
    assert isinstance(task, (Classification, Segmentation)) and task.class_weights is not None
    return task.class_weights.tolist()


def class_config(weights: object) -> RunConfig:
    return tiny_config(optim={"class_weights": weights})


def test_balanced_weights_of_masks_count_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKIPRUN_DATA", str(tmp_path / "cache"))
    parts = prepare(void_config(half_labelled(tmp_path / "data"), class_weights="balanced"))
    inside, outside = (parts.loaders.pixels["train"][each] for each in (1, 0))
    expected = [(inside + outside) / (2 * each) for each in (outside, inside)]
    assert weights_of(parts) == pytest.approx(expected)


def half_labelled(folder: Path) -> Path:
    """Write images of discs whose masks are, every other one, void but for two rows (value 255)."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16]
    for split, count in (("train", 8), ("val", 3), ("test", 3)):
        for kind in ("images", "masks"):
            (folder / split / kind).mkdir(parents=True)
        for number in range(count):
            inside = (y - chance.integers(6, 10)) ** 2 + (x - chance.integers(6, 10)) ** 2 < 16
            mask = inside.astype(np.uint8)
            if number % 2:
                mask[:7] = mask[9:] = 255
            image = (np.where(inside, 190, 60) + chance.integers(0, 20, inside.shape)).astype(np.uint8)
            Image.fromarray(image).save(folder / split / "images" / f"{number}.png")
            Image.fromarray(mask).save(folder / split / "masks" / f"{number}.png")
    return folder


def void_config(folder: Path, **optim: Any) -> RunConfig:
    return build_config(
        {
            "name": f"void{optim.get('accumulate', 1)}",
            "model": {"name": "unet", "width": 4, "depth": 2, "norm": "group"},
            "data": {
                "name": "mask_folder",
                "root": str(folder),
                "batch_size": 8,
                "ignore_index": 255,
                "augment": {"flip": True, "noise": 0.1},
            },
            "optim": optim,
            "schedule": {"steps": 3},
            "compute": {"precision": "fp32", "compile": "off", "threads": 1},
            "log": {"every": 1, "tensorboard": False},
        }
    )


def test_b27_a_run_with_accumulate_makes_the_steps_of_the_run_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKIPRUN_DATA", str(tmp_path / "cache"))
    folder, rows = half_labelled(tmp_path / "data"), []
    for accumulate in (1, 2, 4):
        run = train(void_config(folder, accumulate=accumulate), runs=tmp_path / "runs")
        rows.append([record for record in run.metrics() if "train/loss" in record])
    for cut in rows[1:]:
        for tag in ("train/loss", "grad/total"):
            assert [row[tag] for row in cut] == pytest.approx([row[tag] for row in rows[0]], rel=1e-4)


def test_accumulation_draws_the_augmentation_of_the_step_without(tmp_path: Path) -> None:
    def first_batch(parts: int) -> list[tuple[Tensor, Tensor]]:
        trainer = tiny_trainer(tmp_path / str(parts), tiny_config(optim={"accumulate": parts}))
        batch = trainer.data.prepare(*trainer.data.fetch(trainer.sampler.batch(0)))
        return micro_batches(*batch, trainer.config)

    (whole,), four = first_batch(1), first_batch(4)
    for one, parts in zip(whole, zip(*four, strict=True), strict=True):
        assert len(parts) == 4 and torch.equal(torch.cat(parts), one)


@pytest.fixture(scope="module")
def smoothed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with label smoothing."""
    config = build_config(
        {
            "name": "smooth",
            "model": {"name": "resnet20", "width": 4},
            "data": {"name": "digits"},
            "optim": {"label_smoothing": 0.2},
            "schedule": {"epochs": 1},
            "compute": {"precision": "fp32"},
            "log": {"tensorboard": False},
        }
    )
    return train(config, runs=tmp_path_factory.mktemp("smoothed"))


def test_b49_summary_log_evaluate_and_torch_have_one_plain_test_loss(smoothed: Any) -> None:
    loaders, model = prepare(smoothed.config).loaders, load_model(smoothed)
    images, labels = next(iter(loaders.batches("test", 500)))
    with torch.no_grad():
        plain = F.cross_entropy(model(images), labels).item()
    asked = [
        smoothed.summary()["test"]["loss"],
        smoothed.metrics()[-1]["test/loss"],
        evaluate(smoothed)["loss"],
        evaluate(model, loaders)["loss"],
    ]
    assert asked == pytest.approx([plain] * 4, rel=1e-5)


def test_b49_a_network_is_scored_in_the_precision_of_its_run_within_autocast(smoothed: Any) -> None:
    from typer.testing import CliRunner

    from skiprun.cli.app import app

    config = smoothed.config.replace(name="half", compute={"precision": "bf16", "device": "cpu"})
    run = train(config, runs=smoothed.root)
    model, loaders = load_model(run), prepare(config).loaders
    with torch.autocast("cpu", torch.bfloat16):
        assert evaluate(model, loaders, batch_size=500) == evaluate(run)
    assert evaluate(model, loaders, batch_size=500)["loss"] != evaluate(run)["loss"]
    shown = CliRunner().invoke(app, ["evaluate", "half", "--runs", str(run.root), "--json"])
    assert json.loads(shown.stdout)["precision"] == "bf16"


def test_b49_the_command_line_prints_that_loss(smoothed: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from skiprun.cli.app import app

    shown = CliRunner().invoke(app, ["evaluate", str(smoothed.path), "--json"])
    assert json.loads(shown.stdout)["loss"] == pytest.approx(smoothed.summary()["test"]["loss"], rel=1e-6)


def test_b65_of_epochs_with_one_score_the_lower_loss_is_kept_then_the_earlier(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config())
    for epoch, (error, loss) in enumerate(
        [(5.0, 0.4), (5.0, 0.3), (5.0, 0.3), (6.0, 0.1), (5.0, 0.35)], start=1
    ):
        trainer.best.update({"step": 1, "epoch": epoch, "val": {"error": error, "loss": loss}}, trainer.model)
    assert trainer.best.record["epoch"] == 2


def test_b65_higher_scores_are_better_and_lower_losses_still(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config())
    trainer.best.task = Segmentation()
    for epoch, (iou, loss) in enumerate([(0.8, 0.2), (0.7, 0.1), (0.8, 0.1), (0.8, 0.3)], start=1):
        trainer.best.update({"step": 1, "epoch": epoch, "val": {"iou": iou, "loss": loss}}, trainer.model)
    assert trainer.best.record["epoch"] == 3
