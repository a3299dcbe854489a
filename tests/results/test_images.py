"""Two runs by the images of the test split: the exact sign test, which is McNemar's for right and wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skiprun.results.images import ImageScores, compare_images
from skiprun.results.sign_test import sign_test


@pytest.mark.parametrize(("one", "other"), [(1, 0), (3, 9), (9, 3), (5, 5), (0, 30), (40, 60), (1000, 1100)])
def test_p_is_that_of_scipy(one: int, other: int) -> None:
    assert sign_test(one, other) == pytest.approx(stats.binomtest(one, one + other, 0.5).pvalue, rel=1e-12)


def test_where_nothing_differs_chance_explains_all() -> None:
    assert sign_test(0, 0) == 1


def scores(values: list[float], name: str = "error", fingerprint: str = "f00d") -> ImageScores:
    return ImageScores(fingerprint, name, np.array(values))


def test_images_that_one_has_right_and_the_other_wrong_count() -> None:
    one = scores([1, 1, 1, 0, 0, 1, 0])
    other = scores([1, 0, 0, 1, 0, 0, 0])
    found = compare_images(one, other, higher_is_better=False)
    assert (found.images, found.worse, found.better) == (7, 3, 1)
    assert found.p == pytest.approx(stats.binomtest(1, 4, 0.5).pvalue)
    back = compare_images(other, one, higher_is_better=False)
    assert (back.worse, back.better, back.p) == (1, 3, found.p)


def test_of_masks_each_image_counts_by_its_score() -> None:
    one, other = scores([0.5, 0.9, 0.2], "iou"), scores([0.6, 0.8, 0.2], "iou")
    found = compare_images(one, other, higher_is_better=True)
    assert (found.images, found.worse, found.better, found.p) == (3, 1, 1, 1)


def test_nothing_found_where_nothing_is_beats_something_found() -> None:
    nothing, something = scores([np.nan, np.nan], "iou"), scores([0.0, np.nan], "iou")
    found = compare_images(something, nothing, higher_is_better=True)
    assert (found.worse, found.better) == (1, 0)


def test_only_the_same_images_are_of_one_split() -> None:
    one = scores([1, 0])
    assert one.are_of_one_split(scores([0, 0]))
    others = [scores([0, 0], fingerprint="beef"), scores([0, 0, 0]), scores([0, 0], name="iou")]
    assert not any(one.are_of_one_split(other) for other in others)
