"""Looks while seeds are added: the boundary's numbers, and that it keeps what it says, by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import special

from skiprun.results.equivalence import equivalence_p
from skiprun.results.sequential import FIRST_LOOK, InterimLook, level_of_look, p_of_look
from skiprun.results.significance import difference
from tests.support.null_worlds import NOISES

MOST = 10
SEEDS = range(FIRST_LOOK, MOST + 1)
Draws = np.ndarray  # [draws, seeds], NaN where a seed has no partner


def paired_t(gaps: Draws) -> tuple[Draws, Draws]:
    """Return [draws, looks]: two-sided p of Student's t, and of how many seeds; no spread, no test."""
    n = (~np.isnan(gaps)).cumsum(1)
    total, squares = (np.nan_to_num(gaps**power).cumsum(1) for power in (1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((squares - total**2 / n) / (n - 1) / n)
        p = 2 * special.stdtr(n - 1, -np.abs(total / n) / np.where(error > 1e-9, error, np.nan))
    return p[:, FIRST_LOOK - 1 :], n[:, FIRST_LOOK - 1 :]


def stops(gaps: Draws) -> Draws:
    """Return [draws, looks]: whether a look is beyond the boundary."""
    p, n = paired_t(gaps)
    levels = np.array([0.0] * FIRST_LOOK + [level_of_look(seeds, MOST) for seeds in SEEDS])
    return p < levels[n]


def draw_gaps(noise: Callable[..., np.ndarray], draws: int) -> Draws:
    """Return the differences of pairs of networks that are the same."""
    values = noise(np.random.default_rng(17), 2, draws * MOST)
    return (values[0] - values[1]).reshape(draws, MOST)


def test_the_boundary_is_strict_while_seeds_are_few() -> None:
    """The levels of 200,000 draws with numpy's seed 0, which know nothing of the integration."""
    drawn = [0.0023, 0.0041, 0.0065, 0.0093, 0.0127, 0.0166, 0.0210, 0.0259]
    assert [level_of_look(seeds, MOST) for seeds in SEEDS] == pytest.approx(drawn, rel=0.03)


@pytest.mark.parametrize("most", [3, 5, 10])
def test_a_look_at_its_level_has_the_p_value_of_the_whole(most: int) -> None:
    for seeds in range(FIRST_LOOK, most + 1):
        assert p_of_look(level_of_look(seeds, most), seeds, most) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize("p", [0.001, 0.05, 0.4])
def test_a_single_look_is_the_t_test(p: float) -> None:
    assert p_of_look(p, 3, 3) == pytest.approx(p)


def test_no_p_value_is_smaller_than_that_of_a_single_look() -> None:
    p = [0.0, 1e-12, 1e-4, 0.01, 0.3, 1.0]
    counted = [p_of_look(each, 5, MOST) for each in p]
    assert counted == sorted(counted) and counted[0] < 1e-9 and counted[-1] == pytest.approx(1)
    assert all(more >= one for more, one in zip(counted, p, strict=True))


@pytest.mark.parametrize("level", [0.002, 0.05, 0.3])
def test_p_values_are_the_shares_of_equal_networks(level: float) -> None:
    """At every look the p value that counts all of them, against 20,000 draws."""
    p, n = paired_t(draw_gaps(NOISES["normal"], 20_000))
    smallest = (p / (n / MOST) ** 2).min(1)
    bound = np.quantile(smallest, level)
    expected = 4 * math.sqrt(level * (1 - level) / 20_000)
    assert p_of_look(bound, MOST, MOST) == pytest.approx(level, abs=expected)


def test_looks_that_nobody_counts_find_too_much() -> None:
    """What the boundary is for: p < .05 at any of eight looks."""
    p, _ = paired_t(draw_gaps(NOISES["normal"], 10_000))
    assert 0.15 < (p < 0.05).any(1).mean() < 0.19


@pytest.mark.parametrize("shift", [2.0, 3.5, 5.0])
def test_interval_and_p_value_of_a_look_agree(shift: float) -> None:
    values = {0: 0.0, 1: 1.5, 2: -1.2, 3: 0.4, 4: -0.9}
    gap = {seed: value + shift for seed, value in values.items()}
    one, fixed = difference(gap, dict.fromkeys(gap, 0.0), most=MOST), difference(gap, dict.fromkeys(gap, 0.0))
    assert (one.p < 0.05) == (one.low > 0)
    assert one.p > fixed.p and one.low < fixed.low and one.detectable > fixed.detectable


def test_two_seeds_in_common_are_no_look() -> None:
    found = difference({0: 1.0, 1: 2.0, 2: 3.0}, {0: 0.0, 1: 0.5}, most=MOST)
    assert not found.tested and math.isnan(found.p)


def test_equivalence_counts_the_looks_too() -> None:
    one = {0: 1.0, 1: 1.2, 2: 1.1, 3: 1.3}
    other = {0: 1.05, 1: 1.15, 2: 1.2, 3: 1.2}
    fixed, look = (equivalence_p(difference(one, other, most=most), 0.3) for most in (None, MOST))
    assert look == pytest.approx(p_of_look(2 * fixed, 4, MOST) / 2) and look > fixed
    assert math.isnan(equivalence_p(difference(one, other, most=MOST), math.nan))


def test_looks_are_counted_from_the_third_seed() -> None:
    assert InterimLook(5, MOST).planned == 8


@pytest.mark.slow
@pytest.mark.parametrize("noise", [name for name in NOISES if name != "common"])
def test_equal_networks_are_told_apart_in_five_of_a_hundred(noise: str) -> None:
    """Also with heavy tails, failing seeds, unequal spreads and scores in whole steps."""
    share = stops(draw_gaps(NOISES[noise], 10_000)).any(1).mean()
    assert share <= (0.056 if noise == "normal" else 0.06)
    assert noise != "normal" or share >= 0.044


@pytest.mark.slow
def test_a_run_in_five_that_diverges_tells_no_more_apart() -> None:
    """It has no score, and its seed no partner."""
    gaps = draw_gaps(NOISES["normal"], 10_000)
    lost = np.random.default_rng(3).random((2, *gaps.shape)) < 0.2
    assert stops(np.where(lost.any(0), np.nan, gaps)).any(1).mean() <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "fewer", "loss"), [(3.0, 0.5, 0.02), (2.0, 0.3, 0.02), (1.5, 0.3, 0.02), (1.0, 0.1, 0.1)]
)
def test_clear_differences_take_fewer_seeds(effect: float, fewer: float, loss: float) -> None:
    """In standard deviations of the paired difference, against the power of ten seeds."""
    gaps = effect + np.random.default_rng(2).normal(size=(10_000, MOST))
    beyond, fixed = stops(gaps), (paired_t(gaps)[0][:, -1] < 0.05).mean()
    used = np.where(beyond.any(1), FIRST_LOOK + beyond.argmax(1), MOST).mean()
    assert used <= (1 - fewer) * MOST and beyond.any(1).mean() >= fixed - loss


@pytest.mark.slow
def test_three_networks_that_are_the_same_are_told_apart_in_five_of_a_hundred() -> None:
    """Of three pairs, Holm's first step decides whether there is any false word at any look."""
    networks = np.random.default_rng(5).normal(size=(3, 10_000, MOST))
    grid = np.geomspace(1e-7, 1, 150)
    counted = [p_of_look(float(p), MOST, MOST) for p in grid]
    smallest = np.min([_scaled(networks[a] - networks[b]) for a, b in ((0, 1), (0, 2), (1, 2))], axis=0)
    p = np.exp(np.interp(np.log(smallest), np.log(grid), np.log(counted)))
    assert (3 * p < 0.05).any(1).mean() <= 0.056


def _scaled(gaps: Draws) -> Draws:
    """Return p values as the last look's that is as far beyond the boundary."""
    p, n = paired_t(gaps)
    return p / (n / MOST) ** 2
