"""The split of the spread over seeds (Jordan 2023) on simulated networks whose truth is known."""

from __future__ import annotations

import math
from itertools import starmap

import numpy as np
import pytest
from scipy import stats

from skiprun.results.spread import Spread, excess_by_seed, split_spread

IMAGES, WORLDS = 1000, 400


def simulate(seeds: int, spread: float, images: int = IMAGES) -> list[Spread]:
    """Split the spread in many worlds: images go wrong independently, and each seed adds to all of them."""
    draw = np.random.default_rng(0)
    worlds = []
    for _ in range(WORLDS):
        chances = draw.uniform(0.2, 0.6, images) + draw.normal(0, spread, (seeds, 1))
        worlds.append(split_spread(list((draw.random((seeds, images)) < chances).astype(float))))
    return worlds


def mean_and_error(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values)) / math.sqrt(len(values))


@pytest.mark.parametrize("seeds", [3, 10])
def test_independent_errors_explain_all_of_the_spread(seeds: int) -> None:
    worlds = simulate(seeds, 0.0)
    ratio, error = mean_and_error([(each.total / each.by_images) ** 2 for each in worlds])
    assert abs(ratio - 1) < 3 * error < 0.2
    covered = np.mean([each.low == 0 for each in worlds])
    assert covered > 0.95


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_spread_of_networks_is_recovered(seeds: int) -> None:
    worlds = simulate(seeds, 0.02)
    estimates = [IMAGES / (IMAGES - 1) * (each.total**2 - each.by_images**2) for each in worlds]
    mean, error = mean_and_error(estimates)
    assert abs(mean - 2.0**2) < 3 * error < 1.5
    assert np.mean(list(starmap(covers, ((each, 2.0) for each in worlds)))) > 0.92


def covers(found: Spread, truth: float) -> bool:
    return found.low <= truth <= found.high


def test_parts_add_up_in_squares() -> None:
    found = next(each for each in simulate(10, 0.05) if each.by_networks > 0)
    rest = (IMAGES - 1) / IMAGES * found.by_networks**2
    assert found.total**2 == pytest.approx(found.by_images**2 + rest)
    assert found.low < found.by_networks < found.high


def test_seeds_that_err_alike_have_no_spread() -> None:
    found = split_spread([np.array([1.0, 0.0, 0.0])] * 3)
    assert (found.total, found.by_images, found.by_networks, found.high) == (0, 0, 0, 0)


def pseudo_values(seeds: int, spread: float) -> list[np.ndarray]:
    """Return the logarithms of `excess_by_seed` in many worlds."""
    draw = np.random.default_rng(1)
    worlds = []
    for _ in range(200):
        chances = draw.uniform(0.2, 0.6, IMAGES) + draw.normal(0, spread, (seeds, 1))
        worlds.append(np.log(excess_by_seed(list((draw.random((seeds, IMAGES)) < chances).astype(float)))))
    return worlds


def test_the_excess_of_independent_errors_is_one_and_its_interval_covers_it() -> None:
    worlds = pseudo_values(20, 0.0)
    mean, error = mean_and_error([float(each.mean()) for each in worlds])
    assert abs(mean) < 3 * error < 0.05
    inside = [abs(stats.ttest_1samp(each, 0).statistic) < stats.t.ppf(0.975, 19) for each in worlds]
    assert 0.90 < np.mean(inside) < 0.98


def test_the_excess_of_networks_that_differ_is_what_is_seen_over_what_is_predicted() -> None:
    spread = 0.03
    chances = np.linspace(0.2, 0.6, IMAGES)
    predicted = float((chances * (1 - chances)).sum()) / IMAGES**2
    expected = math.log(math.sqrt(predicted + (1 - 1 / IMAGES) * spread**2) / math.sqrt(predicted))
    mean, error = mean_and_error([float(each.mean()) for each in pseudo_values(20, spread)])
    assert abs(mean - expected) < 3 * error < 0.05


@pytest.mark.parametrize("seeds", [0, 1, 2])
def test_two_seeds_have_no_excess(seeds: int) -> None:
    assert np.isnan(excess_by_seed([np.eye(3)[seed] for seed in range(seeds)])).all()


def test_seeds_that_err_alike_have_no_excess() -> None:
    assert np.isnan(excess_by_seed([np.array([1.0, 0.0, 0.0])] * 4)).all()
