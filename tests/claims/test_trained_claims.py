"""Claims about networks that are trained small, judged by runs whose truth is known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from skiprun.claims.measured import Measured
from skiprun.claims.published.transfer_head_start import epochs_needed
from skiprun.claims.quantity import decide
from skiprun.registry import CLAIMS
from skiprun.results.records import RunRecord, read, with_images
from tests.support.fake_images import give_labels
from tests.support.fake_runs import write_run

IMAGES = 360


def verdict(claim: str, runs: Mapping[str, list[RunRecord]]) -> str:
    asked = CLAIMS[claim].info.measurement
    return decide(CLAIMS[claim].target(Measured(asked, runs)), asked.seeds)


def segmenting(root: Path, **scores: tuple[float, float]) -> dict[str, list[RunRecord]]:
    """Return three seeds of networks with these scores: IoU and boundary F-score."""
    return {
        part.replace("_", " "): [
            read(
                write_run(
                    root,
                    part,
                    seed,
                    task="segmentation",
                    test={"iou": iou + 0.004 * (seed - 1), "boundary": boundary + 0.01 * (seed - 1) ** 2},
                )
            )
            for seed in range(3)
        ]
        for part, (iou, boundary) in scores.items()
    }


@pytest.mark.parametrize(
    ("with_skips", "expected"),
    [((0.86, 0.96), "PASS"), ((0.67, 0.53), "FAIL"), ((0.98, 0.60), "FAIL")],
    ids=["boundaries", "nothing", "areas more than boundaries"],
)
def test_skips_carry_boundaries(tmp_path: Path, with_skips: tuple[float, float], expected: str) -> None:
    runs = segmenting(tmp_path, **{"with": with_skips, "without": (0.67, 0.53)})
    assert verdict("unet_boundaries", runs) == expected


@pytest.mark.parametrize(
    ("iou", "expected"),
    [(0.85, "PASS"), (0.87, "PASS"), (0.75, "FAIL"), (0.67, "FAIL")],
    ids=["little is lost", "it is better", "half is lost", "it is no better than none"],
)
def test_the_top_skip_can_be_left_out(tmp_path: Path, iou: float, expected: str) -> None:
    runs = segmenting(tmp_path, all=(0.86, 0.96), top_one_missing=(iou, 0.9), none=(0.67, 0.53))
    assert verdict("unet_top_skip", runs) == expected


@pytest.mark.parametrize(
    ("common", "expected"), [(0.0, "PASS"), (0.1, "FAIL")], ids=["independent", "some seeds are better"]
)
def test_independent_errors(tmp_path: Path, common: float, expected: str) -> None:
    draw = np.random.default_rng(0)
    chances = draw.uniform(0.2, 0.6, IMAGES)
    records = []
    for seed in range(20):
        wrong = np.flatnonzero(draw.random(IMAGES) < chances + common * draw.normal())
        run = write_run(tmp_path, "network", seed, test={"error": 100 * len(wrong) / IMAGES})
        records.append(with_images(read(give_labels(run, list(wrong)))))
    assert verdict("independent_errors", {"network": records}) == expected


def test_without_images_nothing_is_said_of_errors(tmp_path: Path) -> None:
    runs = {"network": [read(write_run(tmp_path, "network", seed)) for seed in range(20)]}
    assert verdict("independent_errors", runs) == "INCONCLUSIVE"


@pytest.mark.parametrize(("errors", "epochs"), [((30, 8, 4.9, 6, 3), 3), ((5.0,), 1), ((30, 8), math.nan)])
def test_epochs_to_five_percent(tmp_path: Path, errors: tuple[float, ...], epochs: float) -> None:
    run = write_run(tmp_path, "run")
    rows = [
        {"step": 10 * epoch, "epoch": epoch, "epoch_end": True, "val/error": error}
        for epoch, error in enumerate(errors, start=1)
    ]
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert epochs_needed(read(run)) == pytest.approx(epochs, nan_ok=True)
