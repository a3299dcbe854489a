"""Successive halving: where the rungs are, and who goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiprun.config.sweep import Halving
from skiprun.results.rungs import RungScore, mean_score, score_at, survivors
from tests.support.fake_runs import STEPS_AN_EPOCH, write_run


def test_the_bracket_of_li_et_al_2018() -> None:
    """Table 1 with R = 81 and eta = 3: 81, 27, 9, 3, 1 arms train to 1, 3, 9, 27, 81 units."""
    halving, arms = Halving(factor=3, rungs=4), [f"arm {number}" for number in range(81)]
    going, trained = arms, []
    for share in halving.shares:
        trained.append((len(going), round(81 * share, 9)))
        going = survivors({label: RungScore(arms.index(label), 0) for label in going}, halving.factor)
    assert trained == [(81, 1), (27, 3), (9, 9), (3, 27)] and going == arms[:1]


def test_the_loss_decides_between_equals_and_a_lost_seed_is_last() -> None:
    found = {
        "lost": mean_score([RungScore(0.0, 0.0), None]),
        "even": mean_score([RungScore(4.0, 0.3), RungScore(6.0, 0.1)]),
        "worse": RungScore(5.0, 0.3),
        "best": RungScore(1.0, 9.0),
    }
    assert survivors(found, 2) == ["even", "best"]
    assert survivors({"lost": None, "too": None}, 3) == ["lost"], "one goes on"


@pytest.mark.parametrize(("score", "best"), [("error", min), ("iou", max)])
def test_a_score_is_the_best_so_far_and_nothing_later_counts(
    score: str, best: object, tmp_path: Path
) -> None:
    task = "classification" if score == "error" else "segmentation"
    run = write_run(tmp_path, "resnet20", task=task, test={score: 0.5}, epochs=8)
    values = [row[f"val/{score}"] for row in run.metrics() if "epoch_end" in row]
    assert callable(best) and len({*values}) > 4
    for until, rows in ((0.25, 2), (0.3, 3), (1.0, 8)):
        found = score_at(run, run.config.schedule, until, score, score == "iou")
        assert found and found.score == best(values[:rows])
    log = run.metrics_file.read_text().splitlines(keepends=True)
    cut = next(n for n, line in enumerate(log) if f'"step": {3 * STEPS_AN_EPOCH}, "epoch": 3' in line)
    run.metrics_file.write_text("".join(log[: cut + 1]))
    assert score_at(run, run.config.schedule, 0.3, score, score == "iou")
    assert score_at(run, run.config.schedule, 0.5, score, score == "iou") is None
