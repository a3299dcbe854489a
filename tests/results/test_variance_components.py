"""Variances of single sources, of all, and their rest, in worlds whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from skiprun.results.variance_components import VarianceComponents, split_variance
from skiprun.results.variance_ratio import compare_spread, detectable_ratio, seeds_to_rank

Draw = tuple[np.ndarray, np.ndarray]  # scores of the runs, [seeds]; of those that differ, [seeds, sources]
World = Callable[[np.random.Generator, int], Draw]


def adding(*parts: float) -> World:
    """Sources that add up, each with its variance."""
    spread = np.sqrt(parts)

    def draw(chance: np.random.Generator, n: int) -> Draw:
        ours, others = chance.normal(size=(2, n, len(parts))) * spread
        scores = ours.sum(1)
        return scores, scores[:, None] - ours + others

    return draw


def tangled(sources: int) -> World:
    """Another seed of any source is another score: each alone has all of the variance, which is 1."""
    return lambda chance, n: (chance.normal(size=n), chance.normal(size=(n, sources)))


def split(world: World, chance: np.random.Generator, n: int) -> VarianceComponents:
    runs, varied = world(chance, n)
    return split_variance(
        dict(enumerate(runs)), {str(k): dict(enumerate(scores)) for k, scores in enumerate(varied.T)}
    )


WORLDS: dict[str, tuple[World, Sequence[float], float]] = {
    "add up": (adding(1.0, 1.0, 1.0), (1.0, 1.0, 1.0), 3.0),
    "one gives most": (adding(0.9, 0.05, 0.05), (0.9, 0.05, 0.05), 1.0),
    "tangled": (tangled(3), (1.0, 1.0, 1.0), 1.0),
}


def coverage(world: str, n: int, draws: int) -> tuple[list[float], float, float]:
    """Return how often the intervals hold each part, the total, and what is left."""
    draw, parts, total = WORLDS[world]
    chance = np.random.default_rng([n, list(WORLDS).index(world)])
    held = np.zeros(len(parts) + 2)
    for _ in range(draws):
        found = split(draw, chance, n)
        assert found.interaction
        intervals: list[Any] = [*found.alone.values(), found.total, found.interaction]
        truth = [*parts, total, total - sum(parts)]
        held += [each.low <= true <= each.high for each, true in zip(intervals, truth, strict=True)]
    *alone, all_together, left = held / draws
    return alone, all_together, left


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth(world: str) -> None:
    """Few draws: 95 % is seen as 92 to 98 % in 99.9 % of such tests."""
    alone, total, left = coverage(world, 5, 500)
    assert all(0.92 < each < 0.98 for each in alone) and total > 0.92 and left > 0.92


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 5, 10, 20, 50])
@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth_in_95_of_100_draws(world: str, n: int) -> None:
    """Those of the total and of what is left are wider than they need to be, of few seeds above all."""
    alone, total, left = coverage(world, n, 10_000)
    assert all(0.94 < each < 0.96 for each in alone), alone
    assert 0.945 < total < (0.985 if n >= 10 else 1.0) and left > 0.945, (total, left)


@pytest.mark.parametrize("world", ["add up", "tangled"])
def test_the_total_of_all_sets_is_surer_than_that_of_one(world: str) -> None:
    draw, parts, truth = WORLDS[world]
    chance = np.random.default_rng(0)
    found = [split(draw, chance, 10).total for _ in range(300)]
    assert np.mean([each.variance for each in found]) == pytest.approx(truth, rel=0.1)
    one = stats.chi2.ppf([0.975, 0.025], 9)
    width = np.median([(each.high - each.low) / each.variance for each in found])
    assert width < 0.7 * (9 / one[1] - 9 / one[0])
    assert all(9 <= each.freedom <= 9 * (1 + len(parts)) for each in found)


def test_numbers_of_two_seeds() -> None:
    order = {0: 1.0, 1: 5.0, 7: 0.0}
    found = split_variance({0: 1.0, 1: 3.0}, {"init": {0: 2.0, 1: 3.0}, "order": order})
    assert found.differences == {"init": {0: 1.0, 1: 0.0}, "order": {0: 0.0, 1: 2.0}}, "7 has no partner"
    assert (found.alone["init"].variance, found.alone["init"].n) == (0.25, 2)
    assert found.alone["order"].variance == 1.0
    assert found.total.variance == pytest.approx((2.0 + 0.5 + 8.0) / 3)
    assert (found.total.n, found.total.freedom) == (2, 1)
    part = found.alone["init"]
    assert (part.low, part.high) == pytest.approx([0.5 / stats.chi2.ppf(p, 2) for p in (0.975, 0.025)])
    assert part.std == pytest.approx([math.sqrt(each) for each in (0.25, part.low, part.high)])
    assert found.interaction and found.interaction.value == pytest.approx(3.5 - 0.25 - 1.0)


def test_parts_of_tangled_sources_are_more_than_the_total() -> None:
    left = [split(tangled(3), np.random.default_rng(seed), 50).interaction for seed in range(20)]
    assert np.mean([each.value for each in left if each]) == pytest.approx(1 - 3, abs=0.2)
    assert all(each and each.high < 0 for each in left), "that they interact is seen"


def test_what_is_missing_is_said_to_be_unknown() -> None:
    alike = split_variance({0: 1.0, 1: 1.0}, {"init": {0: 1.0, 1: 1.0}}, complete=False)
    assert alike.alone["init"].variance == 0 and math.isnan(alike.alone["init"].high), "small, not how small"
    assert alike.interaction is None
    none = split_variance({0: 1.0}, {"init": {}})
    assert math.isnan(none.total.variance) and math.isnan(none.alone["init"].variance)
    assert none.interaction and math.isnan(none.interaction.value)


def ratio_p(chance: np.random.Generator, n: int, ratio: float, common: float = 0.0) -> float:
    shared = common * chance.normal(size=n)
    one, other = ratio * chance.normal(size=n) + shared, chance.normal(size=n) + shared
    return compare_spread(("one", dict(enumerate(one))), ("other", dict(enumerate(other)))).p


def told_apart(n: int, ratio: float, draws: int, common: float = 0.0) -> float:
    chance = np.random.default_rng([n, int(100 * ratio), int(common)])
    return float(np.mean([ratio_p(chance, n, ratio, common) < 0.05 for _ in range(draws)]))


def test_the_test_of_two_sources_is_that_of_pitman_and_morgan() -> None:
    """With the mean known to be 0, it is Pearson's test of a sample and its mirror image, with n - 1."""
    one, other = np.random.default_rng(0).normal(size=(2, 8))
    found = compare_spread(("one", dict(enumerate(one))), ("other", dict(enumerate(other))))
    r = stats.pearsonr([*(one + other), *-(one + other)], [*(one - other), *(other - one)]).statistic
    assert found.p == pytest.approx(2 * stats.t.sf(abs(r) * math.sqrt(7 / (1 - r**2)), 7))
    assert found.value == pytest.approx(
        math.sqrt((one @ one) / (other @ other)) ** (1 if found.larger == "one" else -1)
    )


@pytest.mark.parametrize("common", [0, 2])
def test_sources_that_spread_alike_are_seldom_told_apart(common: float) -> None:
    assert 0.03 < told_apart(5, 1.0, 1000, common) < 0.07


@pytest.mark.slow
@pytest.mark.parametrize("common", [0, 2])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_sources_that_spread_alike_are_told_apart_in_5_of_100_draws(n: int, common: float) -> None:
    assert 0.04 < told_apart(n, 1.0, 10_000, common) < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_the_ratio_that_is_found_is_found_in_80_of_100_draws(n: int) -> None:
    assert 0.78 < told_apart(n, detectable_ratio(n), 10_000) < 0.82


def test_more_seeds_find_smaller_ratios_and_two_none() -> None:
    assert math.isinf(detectable_ratio(2))
    found = [detectable_ratio(n) for n in (3, 5, 10, 30, 100)]
    assert found == sorted(found, reverse=True) and 1 < found[-1] < 1.5
    assert detectable_ratio(10, tests=3) > detectable_ratio(10)
    needed = seeds_to_rank(2.0)
    assert needed and detectable_ratio(needed) <= 2.0 < detectable_ratio(needed - 1)
    assert seeds_to_rank(1.01) is None


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ({0: 1.0, 1: -1.0}, {0: 0.0, 1: 0.0}, math.inf),
        ({0: 0.0, 1: 0.0}, {0: 0.0, 1: 0.0}, math.nan),
        ({0: 1.0, 1: 2.0}, {1: 1.0, 2: 9.0}, 2.0),
        ({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}, 1.0),
    ],
)
def test_what_cannot_be_tested(one: dict[int, float], other: dict[int, float], value: float) -> None:
    """A source that changed no score, sources that did the same, and one pair alone."""
    found = compare_spread(("one", one), ("other", other))
    assert found.value == pytest.approx(value, nan_ok=True) and math.isnan(found.p)
