"""What is said of the sources of a spread follows from their variances, and from what the seeds can see."""

from __future__ import annotations

import numpy as np
import pytest

from skiprun.claims.noise_sources import judge
from skiprun.results.variance_components import VarianceComponents, split_variance

SEEDS = 10


def components(complete: bool = True, **changes: np.ndarray) -> VarianceComponents:
    """Return the components of runs whose score is 20 and some noise, and which sources change so much."""
    runs = 20 + np.random.default_rng(0).normal(size=SEEDS)
    return split_variance(
        dict(enumerate(runs)),
        {source: dict(enumerate(runs + change)) for source, change in changes.items()},
        complete,
    )


def noise(seed: int, spread: float) -> np.ndarray:
    return spread * np.random.default_rng(seed).normal(size=SEEDS)


def said(found: VarianceComponents, beginning: str) -> list[str]:
    return [text for text in judge(found, "error").sentences if text.startswith(beginning)]


def test_sources_far_apart_are_told_apart_and_the_others_are_not_ranked() -> None:
    found = components(init=noise(1, 10.0), order=noise(2, 1.0), split=noise(3, 1.1))
    evidence = judge(found, "error").evidence
    assert evidence.detectable == pytest.approx(3.0, abs=0.1), "ten seeds, three comparisons"
    (told,) = said(found, "Told apart")
    assert "init" in told and "times order, p" in told and "times split, p" in told
    (rest,) = said(found, "Others are not ranked: 10 seeds find one that spreads 3.0 times another in 80 %")
    assert "which would take" in rest


def test_sources_that_are_all_told_apart_leave_nothing_open() -> None:
    found = components(init=noise(1, 100.0), order=noise(2, 1.0))
    assert said(found, "Told apart") and not any(
        "not ranked" in text for text in judge(found, "error").sentences
    )


def test_one_source_alone_is_not_ranked() -> None:
    assert len(judge(components(init=noise(1, 1.0)), "error").sentences) == 2


def test_a_source_that_changed_no_score_is_not_called_smaller() -> None:
    (text,) = said(components(init=noise(1, 1.0), order=np.zeros(SEEDS)), "Sources are not ranked")
    assert text.endswith("Seen: init spreads scores, and order changed none.")


def test_what_is_left_is_said_with_its_sign() -> None:
    redrawn = {source: noise(seed, 1.0) - noise(0, 1.0) for seed, source in enumerate("abcdefgh", 1)}
    for changes, words in (
        (redrawn, "Sources interact"),
        ({"init": noise(1, 1.0), "order": noise(2, 1.0)}, "That sources add up (0) is not excluded"),
        ({"init": noise(1, 0.01), "order": noise(2, 0.01)}, "No interaction is positive"),
    ):
        (text,) = said(components(**changes), "Total less the sum of the parts")
        assert words in text
        assert not said(components(complete=False, **changes), "Total less")


def test_a_total_of_one_run_is_not_known() -> None:
    (sentence,) = judge(split_variance({0: 1.0}, {"init": {0: 2.0}}), "iou").sentences
    assert sentence == "Fewer than two seeds have a test iou, so its spread is not known."
