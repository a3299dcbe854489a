"""TensorBoard's own reader finds what metrics.jsonl says, every tag once a step, also when continued."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from skiprun.errors import Stopped
from skiprun.run import Run
from skiprun.training.views.gradient_image import GradientImage, whole_decades
from skiprun.training.views.tensorboard import TensorBoard, few_layers
from tests.support.tiny import tiny_config, tiny_trainer


def train(folder: Path, stop_at: int | None = None) -> None:
    config = tiny_config()
    folder.mkdir(exist_ok=True)
    left = iter([None] * (stop_at - 1) + [15] if stop_at else [])
    trainer = tiny_trainer(
        folder,
        config,
        views=[TensorBoard(folder, config)],
        stop_signal=lambda: next(left, None) if stop_at else None,
    )
    trainer.fit()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    reader.Reload()
    return {
        tag: [(point.step, point.value) for point in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]
    }


def expected(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[Any, Any]]] = {}
    for record in Run(folder).metrics():
        for tag, value in record.items():
            if tag == "lr" or "/" in tag:
                found.setdefault(tag, []).append((record["step"], pytest.approx(value, rel=1e-6)))
    return found


@pytest.mark.parametrize("stop_at", [None, 5])
def test_every_tag_has_one_value_a_logged_step(tmp_path: Path, stop_at: int | None) -> None:
    if stop_at:
        with pytest.raises(Stopped):
            train(tmp_path, stop_at)
    train(tmp_path)
    shown, truth = scalars(tmp_path), expected(tmp_path)
    for tag, points in truth.items():
        assert shown[tag] == points, tag
    promised = {
        "train/loss",
        "train/error",
        "val/loss",
        "val/error",
        "test/error",
        "lr",
        "time/epoch_s",
        "time/images_per_s",
    }
    promised |= {
        "grad/total",
        "grad/first",
        "grad/last",
        "grad/first_over_last",
        "grad/clipped_fraction",
        "grad_norm/01.conv1",
    }
    assert promised <= shown.keys()


def test_one_image_an_epoch_the_config_the_layout_and_the_hyperparameters(tmp_path: Path) -> None:
    train(tmp_path)
    reader = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    reader.Reload()
    (tag,) = reader.Tags()["images"]
    assert [image.step for image in reader.Images(tag)] == [4, 8, 12]
    assert reader.Images(tag)[0].encoded_image_string[:8] == b"\x89PNG\r\n\x1a\n"
    assert "config/text_summary" in reader.Tags()["tensors"]
    assert "custom_scalars__config__" in reader.Tags()["tensors"]
    assert {"_hparams_/experiment", "_hparams_/session_start_info"} <= set(reader.summary_metadata)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()], "hyperparameters open no second run"


def test_a_image_shows_its_epoch_whatever_was_drawn_before() -> None:
    shown, fresh = GradientImage([1.0, 0.5, 0.2]), GradientImage([1.0, 0.5, 0.2])
    images = {
        shown.draw([0.9, 0.3, 0.2], 2),
        shown.draw([0.8, 0.4, 0.6], 3),
        shown.draw([70.0, 0.0, math.nan], 4),
    }
    assert len(images) == 3
    fresh.draw([70.0, 0.0, math.nan], 4)
    assert shown.draw([0.8, 0.4, 0.6], 5) == fresh.draw([0.8, 0.4, 0.6], 5)


def test_an_axis_holds_all_values_in_whole_decades() -> None:
    low, high = whole_decades([0.02, 1.0, 3.0, 0.0, math.nan, math.inf])
    assert low == pytest.approx(0.01) and high == 10.0
    assert whole_decades([1.0]) == (1.0, 10.0)
    assert whole_decades([math.nan]) == (1.0, 10.0)


def test_few_layers_are_the_first_the_last_and_even_ones_of_each_kind() -> None:
    norms = [f"grad_norm/{n:02d}.conv" for n in range(1, 22)]
    ratios = [f"branch_ratio/{n:02d}.block" for n in range(1, 4)]
    shown = few_layers([*norms, *ratios])
    assert shown >= {norms[0], norms[-1], *ratios} and len(shown) == 8 + 3
    places = sorted(norms.index(tag) for tag in shown - {*ratios})
    assert {later - earlier for earlier, later in pairwise(places)} <= {2, 3}
    assert few_layers(norms[:1]) == {norms[0]} and few_layers([]) == set()


@pytest.mark.parametrize(("layers", "lines"), [("few", 8), ("all", 10)])
def test_lines_of_layers_are_few_unless_all_are_asked_for(tmp_path: Path, layers: str, lines: int) -> None:
    config = tiny_config(log={"layers": layers})
    board = TensorBoard(tmp_path, config)
    norms = {f"grad_norm/{n:02d}.conv": 0.1 * n for n in range(1, 11)}
    board.add({"step": 1, "epoch": 1.0, "epoch_end": True, "grad/total": 1.0, **norms})
    board.close()
    shown = scalars(tmp_path)
    assert len([tag for tag in shown if tag.startswith("grad_norm/")]) == lines
    assert "grad/total" in shown
