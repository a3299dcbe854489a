"""What a number of images tells: by the exact test of the fewest that decide, no oftener than it may."""

import numpy as np
import pytest
from scipy.stats import binomtest

from skiprun.studies.resolution import are_apart, of_images, smallest_gap


@pytest.mark.parametrize(("images", "needed"), [(2, None), (5, None), (6, 6), (100, 6)])
def test_six_images_decide_where_the_other_network_errs_on_none(images: int, needed: int | None) -> None:
    gap = smallest_gap(0.0, images)
    assert gap == (None if needed is None else pytest.approx(100 * needed / images))
    assert binomtest(6, 6).pvalue < 0.05 < binomtest(5, 5).pvalue


@pytest.mark.parametrize(("one", "other"), [(5, 14), (5, 15), (173, 209), (173, 210), (300, 321), (300, 325)])
def test_it_is_the_exact_test_with_as_many_deciding_images_as_the_errors_allow(one: int, other: int) -> None:
    deciding = min(one + other, 720 - one - other)
    expected = bool(binomtest((deciding + other - one) // 2, deciding).pvalue < 0.05)
    assert are_apart(100 * one / 360, 100 * other / 360, 360) is expected
    assert are_apart(100 * other / 360, 100 * one / 360, 360) is expected


@pytest.mark.parametrize(("images", "error", "alike"), [(20, 0.3, 0.0), (360, 0.05, 0.0), (360, 0.5, 0.9)])
def test_networks_that_err_alike_are_seldom_told_apart(images: int, error: float, alike: float) -> None:
    chance = np.random.default_rng(0)
    one, other = (chance.random((2, 1000, images)) < error).astype(float)
    other = np.where(chance.random(one.shape) < alike, one, other)
    errors = zip(100 * one.mean(axis=1), 100 * other.mean(axis=1), strict=True)
    assert sum(are_apart(*pair, images) for pair in errors) <= 50


def test_scores_of_masks_are_said_to_be_untested() -> None:
    assert of_images(1, None, 0.8, "iou") == "Of 1 image, untested."
    assert (
        of_images(2, None, 0.0)
        == "Of 2 images, each 50 points, which tell nothing above it from 0.00 % (McNemar)."
    )
    assert of_images(100, 6.0, 0.0).startswith("Of 100 images, each 1 point, which tell 6 points")
    assert "which tell 2.8 points above it or more from 1.50 %" in of_images(360, smallest_gap(1.5, 360), 1.5)
