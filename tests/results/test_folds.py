"""Scores over folds depend on each other: intervals and tests are wider, and hold their level."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.errors import InputError
from skiprun.results.estimate import paired, welch
from skiprun.results.fairness import group_differences, refuse_unfair
from skiprun.results.fold_remarks import over_folds
from skiprun.results.power import seeds_to_find
from skiprun.results.significance import difference
from skiprun.results.statistics import critical_value, sample_of
from skiprun.run import Run
from tests.support.fake_runs import write_run

VALUES = [3.0, 5.0, 4.0, 6.0, 2.0]
OVERLAP = 0.25  # of five folds


def test_the_variance_of_a_mean_is_that_of_nadeau_and_bengio() -> None:
    spread = float(np.std(VALUES, ddof=1))
    error = spread * math.sqrt(1 / 5 + 0.25)
    assert paired(VALUES, OVERLAP).error == pytest.approx(error)
    assert paired(VALUES).error == pytest.approx(spread / math.sqrt(5))
    assert welch(VALUES, VALUES, OVERLAP).error == pytest.approx(math.sqrt(2) * error)
    sample = sample_of(VALUES, overlap=OVERLAP)
    assert sample.high - sample.mean == pytest.approx(critical_value(4) * error)
    assert sample_of(VALUES, overlap=0.0) == sample_of(VALUES)


def test_the_corrected_test_holds_its_level_where_the_usual_one_does_not() -> None:
    generator, trials = np.random.default_rng(0), 1000
    # Folds whose scores correlate by n_test / (n_test + n_train), the case in which the correction is exact.
    shared = generator.normal(size=(trials, 1)) * math.sqrt(0.2)
    scores = shared + generator.normal(size=(trials, 5)) * math.sqrt(0.8)
    nothing = dict.fromkeys(range(5), 0.0)
    found = {
        overlap: np.mean(
            [difference(dict(enumerate(row)), nothing, overlap=overlap).p < 0.05 for row in scores]
        )
        for overlap in (0.0, OVERLAP)
    }
    assert found[OVERLAP] == pytest.approx(0.05, abs=0.02)
    assert found[0.0] > 0.1


def test_more_folds_do_not_find_what_the_overlap_hides() -> None:
    assert seeds_to_find(1.0, 5, 1.0, 4) is not None
    assert seeds_to_find(1.0, 5, 1.0, 4, overlap=1.0) is None


def folds(root: Path, name: str, errors: list[float], content: str = "f", **more: Any) -> list[Run]:
    """Write runs of which each tests one of five folds."""
    settings = {"data": {"name": "digits", "batch_size": 64, "folds": 5}}
    return [
        write_run(
            root, name, seed, test={"error": error}, fingerprint=f"{content}{seed}", settings=settings, **more
        )
        for seed, error in enumerate(errors)
    ]


def test_a_comparison_says_how_folds_are_counted(tmp_path: Path) -> None:
    runs = folds(tmp_path, "plain20", VALUES) + folds(
        tmp_path, "resnet20", [value - 1 for value in (3.1, 4.9, 4.0, 6.2, 1.9)], connection="add"
    )
    comparison = compare_runs(runs)
    (group, _), rivals = comparison.groups, comparison.verdict.ranking.evidence.rivals
    tested, trained = group.first.number("data.test"), group.first.number("data.train")
    assert group.overlap == pytest.approx(tested / trained) and group.tested_images == 5 * tested
    assert [text for text in comparison.remarks if text.startswith("Cross-validation: 5 folds of")]
    assert not any("saw different data" in text for text in comparison.cautions)
    spread = np.std(list(rivals[0].behind.by_seed.values()), ddof=1)
    assert rivals[0].behind.error == pytest.approx(spread * math.sqrt(1 / 5 + group.overlap))
    assert "over 5 folds of" in over_folds(group) and "Nadeau and Bengio 2003" in over_folds(group)
    refuse_unfair(group_differences(comparison.groups), ())


def test_folds_of_other_images_are_refused(tmp_path: Path) -> None:
    comparison = compare_runs(
        [*folds(tmp_path, "plain20", VALUES), *folds(tmp_path, "resnet20", VALUES, "other")]
    )
    with pytest.raises(InputError, match="data: f0"):
        refuse_unfair(group_differences(comparison.groups), ())


def test_folds_that_are_missing_are_told(tmp_path: Path) -> None:
    comparison = compare_runs(folds(tmp_path, "plain20", VALUES[:3]))
    assert any("lacks 2 of 5 folds, so not every image is tested" in text for text in comparison.remarks)
