"""A run keeps what its best weights say of each image of the test split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.experiment import train
from skiprun.experiment.longer import lengthen
from skiprun.inference import kept_images
from skiprun.inference.kept_images import KeptImages
from skiprun.reports import run_details
from skiprun.results.records import read, with_images
from skiprun.run import Run
from skiprun.tasks.classification import Classification
from skiprun.tasks.masks import VOID
from skiprun.tasks.segmentation import Segmentation

SUMMARY_ERROR = "test.error"


def digits(**sections: Any) -> RunConfig:
    plain = {
        "name": "digits",
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "digits", "batch_size": 64},
        "schedule": {"kind": "constant", "steps": 20},
        "log": {"tensorboard": False},
    }
    return build_config(plain | sections)


def arrays(run: Run) -> dict[str, np.ndarray]:
    with np.load(run.images_file) as file:
        return dict(file.items())


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(digits(compute={"precision": request.param}), runs=tmp_path_factory.mktemp("runs"))


def test_they_give_the_error_of_the_summary(run: Run) -> None:
    found, error = arrays(run), run.summary()["test"]["error"]
    wrong = found["predicted"] != found["labels"]
    assert len(wrong) == run.summary()["data"]["test"]
    assert 100 * int(wrong.sum()) / len(wrong) == error
    assert found["fingerprint"] == run.summary()["data"]["fingerprint"]


def test_what_is_predicted_has_the_largest_logit(run: Run) -> None:
    found = arrays(run)
    logits, predicted = found["logits"], found["predicted"]
    assert logits.dtype == np.float16 and logits.shape == (len(predicted), 10)
    np.testing.assert_array_equal(logits[np.arange(len(predicted)), predicted], logits.max(1))
    shares = torch.from_numpy(logits).float().softmax(1).max(1).values.numpy()
    np.testing.assert_allclose(found["probability"], shares, atol=0.01)


def test_they_are_of_the_run_and_read_with_it(run: Run) -> None:
    record = with_images(read(run))
    assert record.images is not None and not record.message
    assert 100 * record.images.values.mean() == pytest.approx(record.number(SUMMARY_ERROR))


def test_the_file_is_listed_with_the_run(run: Run) -> None:
    assert run_details(run)["images"] == [{"name": "test.npz", "bytes": run.images_file.stat().st_size}]


def test_a_longer_run_writes_them_anew(tmp_path: Path) -> None:
    run = train(digits(), runs=tmp_path)
    before = run.images_file.read_bytes()
    run = train(lengthen(run, 40, "steps"), runs=tmp_path)
    assert run.images_file.read_bytes() != before
    found = arrays(run)
    error = 100 * (found["predicted"] != found["labels"]).mean()
    assert error == pytest.approx(run.summary()["test"]["error"], rel=1e-12)
    assert with_images(read(run)).images is not None


def test_a_lost_summary_brings_the_same_file_back(tmp_path: Path) -> None:
    run = train(digits(), runs=tmp_path)
    before, summed = run.images_file.read_bytes(), run.summary()["images_sum"]
    run.summary_file.unlink()
    run.images_file.unlink()
    train(digits(), runs=tmp_path)
    assert (run.images_file.read_bytes(), run.summary()["images_sum"]) == (before, summed)


def test_masks_keep_the_scores_of_each_image() -> None:
    task, draw = Segmentation(), torch.Generator().manual_seed(0)
    targets = torch.randint(0, 3, (6, 8, 8), generator=draw)
    targets[0], targets[1, :4] = VOID, VOID
    heads = torch.randn(2, 6, 3, 8, 8, generator=draw)
    for output in (heads[0], heads):
        kept = KeptImages(task)
        kept(output[..., :4, :, :, :], targets[:4])
        kept(output[..., 4:, :, :, :], targets[4:])
        found = kept.arrays()
        assert set(found) == {"iou", "dice", "boundary", "pixel_error"}
        for image in range(6):
            single = output[..., image : image + 1, :, :, :]
            expected = task.scores(task.counts(single, targets[image : image + 1]))
            for name, values in found.items():
                np.testing.assert_equal(values[image], expected[name])


def test_a_run_on_masks_keeps_them(tmp_path: Path) -> None:
    config = digits(
        model={"name": "unet", "width": 4, "depth": 2},
        data={"name": "cells", "batch_size": 16, "image_size": 32},
        schedule={"steps": 4},
    )
    run = train(config, runs=tmp_path)
    found, images = arrays(run), run.summary()["data"]["test"]
    assert {name: values.shape for name, values in found.items() if name != "fingerprint"} == dict.fromkeys(
        ("iou", "dice", "boundary", "pixel_error"), (images,)
    )
    record = with_images(read(run))
    assert record.images is not None and not record.message


def kept_of(classes: int) -> KeptImages:
    kept, draw = KeptImages(Classification()), torch.Generator().manual_seed(0)
    for _ in range(3):
        output = 1e5 * torch.randn(4, classes, generator=draw)
        kept(output, torch.randint(0, classes, (4,), generator=draw))
    return kept


@pytest.fixture
def small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_images, "MOST_BYTES", 12 * 2 * 10)


@pytest.mark.usefixtures("small_bound")
def test_logits_are_kept_up_to_a_bound() -> None:
    assert set(kept_of(10).arrays()) == {"labels", "rank", "predicted", "probability", "logits"}
    assert not kept_of(10).note
    assert set(kept_of(11).arrays()) == {"labels", "rank", "predicted", "probability"}
    assert "keeps the predicted label of each image and its probability" in kept_of(11).note


def test_logits_beyond_half_precision_stay_finite() -> None:
    logits = kept_of(10).arrays()["logits"]
    assert np.isfinite(logits).all() and np.abs(logits).max() == np.finfo(np.float16).max


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_keeping_changes_no_score(dtype: torch.dtype) -> None:
    from skiprun.inference.evaluate import evaluate_batches

    draw = torch.Generator().manual_seed(0)
    batch = torch.randn(32, 10, generator=draw).to(dtype), torch.randint(0, 10, (32,), generator=draw)
    task, model = Classification(), torch.nn.Identity()
    kept = KeptImages(task)
    scores: Callable[..., dict[str, float]] = evaluate_batches
    assert scores(model, task, [batch]) == scores(model, task, [batch], keep=kept)
    assert len(kept.arrays()["labels"]) == 32
