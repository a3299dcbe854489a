"""What seeds can see: detectable differences, seeds needed, equivalence, wins and shares against oracles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from skiprun.results.equivalence import equivalence_p
from skiprun.results.power import detectable_errors, seeds_to_find
from skiprun.results.proportions import proportion, shares_differ
from skiprun.results.significance import difference
from skiprun.results.superiority import win_probability


def by_seed(values: np.ndarray) -> dict[int, float]:
    return dict(enumerate(values.tolist()))


@pytest.mark.parametrize(("n", "published"), [(3, 3.26), (5, 1.68), (8, 1.16), (10, 0.99), (20, 0.66)])
def test_detectable_differences_in_standard_deviations(n: int, published: float) -> None:
    assert detectable_errors(n - 1) / math.sqrt(n) == pytest.approx(published, abs=0.007)


@pytest.mark.parametrize("tests", [1, 6])
@pytest.mark.parametrize("effect", [0.5, 1.0, 3.0])
def test_seeds_needed_are_the_fewest_with_the_power(effect: float, tests: int) -> None:
    """The power is that of the noncentral t (Cohen 1988), to the side of the difference."""
    seeds = seeds_to_find(effect, 3, 1 / math.sqrt(3), 2, tests)
    assert seeds is not None

    def power(n: int) -> float:
        critical = stats.t.ppf(1 - 0.025 / tests, n - 1)
        return float(stats.nct.sf(critical, n - 1, effect * math.sqrt(n)))

    assert power(seeds) >= 0.8 > power(seeds - 1)


def test_what_a_thousand_seeds_do_not_find_needs_more() -> None:
    assert seeds_to_find(0.01, 3, 1 / math.sqrt(3), 2) is None
    assert difference({0: 1.0, 1: 2.0}, {0: 2.0, 1: 1.0}).seeds_needed is None


def test_a_difference_that_was_found_needed_no_more_seeds_than_there_are() -> None:
    found = difference({0: 5.0, 1: 5.1, 2: 5.2, 3: 5.0}, {0: 1.0, 1: 1.2, 2: 1.0, 3: 1.1})
    assert found.p < 0.001 and found.seeds_needed == 2


def test_equivalence_is_that_of_two_one_sided_tests() -> None:
    one, other = [1.0, 1.2, 1.1, 1.3], [1.05, 1.15, 1.2, 1.2]
    found = difference(dict(enumerate(one)), dict(enumerate(other)))
    gaps = [a - b for a, b in zip(one, other, strict=True)]
    sides = [
        stats.ttest_1samp(gaps, -0.2, alternative="greater").pvalue,
        stats.ttest_1samp(gaps, 0.2, alternative="less").pvalue,
    ]
    assert equivalence_p(found, 0.2) == pytest.approx(max(sides))
    assert math.isnan(equivalence_p(difference({0: 1.0}, {0: 1.0}), 0.2))


def test_wins_are_counted_over_all_pairs() -> None:
    one, other = [1.0, 2.0, 3.0], [2.0, 4.0, 5.0]
    wins = sum((a > b) + (a == b) / 2 for a, b in itertools.product(one, other)) / 9
    assert win_probability(one, other, True).value == pytest.approx(wins)
    assert win_probability(one, other, False).value == pytest.approx(1 - wins)
    assert math.isnan(win_probability([1.0], other, True).value)


def test_three_runs_that_all_lose_may_still_win_each_other_time() -> None:
    """Three of three lose in one comparison of ten where nothing differs: a rank test finds nothing there."""
    found = win_probability([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], True)
    assert found.value == found.low == 0 and found.high > 0.5
    assert win_probability(range(10), range(10, 20), True).high < 0.4


def test_folds_count_as_fewer_runs_for_the_probability_to_win() -> None:
    """Nadeau and Bengio 2003: as 1 / (1/n + n_test/n_train) independent ones."""
    one, other = range(0, 20, 2), range(5, 25, 2)
    plain, folds = (win_probability(one, other, True, overlap) for overlap in (0.0, 0.1))
    assert folds.value == plain.value and folds.low < plain.low < plain.high < folds.high
    errors, p = stats.t.ppf(0.975, 18), folds.high  # ten folds, which count as five runs
    variance = p * (1 - p) * (1 + 4 * ((1 - p) / (2 - p) + p / (1 + p))) / 25
    assert p - folds.value == pytest.approx(errors * math.sqrt(variance))


def test_shares_are_wilson_s_and_compared_by_fisher_s_test() -> None:
    three, none = proportion(3, 3), proportion(0, 3)
    # Wilson's interval of k = n is from n / (n + z^2) to 1.
    assert three.low == pytest.approx(3 / (3 + 1.959964**2), abs=1e-5) and three.high == 1.0
    assert shares_differ(three, none) == pytest.approx(2 / 20)
    assert shares_differ(proportion(5, 5), proportion(0, 5)) == pytest.approx(2 / 252)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_equivalence_is_claimed_in_five_of_a_hundred_at_the_margin(n: int) -> None:
    """At most: where the spread is large for the margin, the test is blind, and never claims."""
    chance, draws = np.random.default_rng(n), 10_000
    for spread, expected in ((0.05, 0.05), (1.0, 0.0)):
        claimed = 0
        for _ in range(draws):
            found = difference(by_seed(1 + spread * chance.normal(size=n)), by_seed(np.zeros(n)))
            claimed += equivalence_p(found, 1.0) < 0.05
        assert claimed / draws <= 0.056 and claimed / draws >= expected - 0.006


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_detectable_difference_is_found_in_80_of_a_hundred(n: int) -> None:
    chance, draws = np.random.default_rng(n), 10_000
    effect = detectable_errors(n - 1) / math.sqrt(n)
    found = sum(
        difference(by_seed(effect + chance.normal(size=n)), by_seed(np.zeros(n))).p < 0.05
        for _ in range(draws)
    )
    assert found / draws == pytest.approx(0.8, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("tails", [math.inf, 3.0])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_interval_of_a_win_probability_covers_it(n: int, tails: float) -> None:
    chance, draws = np.random.default_rng(n), 10_000
    for shift in (0.0, 1.0, 2.0):
        big = (
            chance.standard_t(tails, (2, 200_000))
            if math.isfinite(tails)
            else chance.normal(size=(2, 200_000))
        )
        truth = float(np.mean(big[0] + shift > big[1]))
        covered = 0
        for _ in range(draws):
            one, other = (
                chance.standard_t(tails, (2, n)) if math.isfinite(tails) else chance.normal(size=(2, n))
            )
            wins = win_probability((one + shift).tolist(), other.tolist(), True)
            covered += wins.low <= truth <= wins.high
        assert covered / draws >= 0.94


@pytest.mark.slow
@pytest.mark.parametrize("folds", [5, 10])
def test_that_of_folds_covers_it_though_their_scores_are_alike(folds: int) -> None:
    chance, draws, alike = np.random.default_rng(folds), 4_000, 1 / folds
    overlap = 1 / (folds - 1)
    for shift in (0.0, 1.0, 2.0):
        truth, covered = float(stats.norm.cdf(shift / math.sqrt(2))), {0.0: 0, overlap: 0}
        for _ in range(draws):
            own, shared = chance.normal(size=(2, folds)), chance.normal(size=(2, 1))
            one, other = math.sqrt(1 - alike) * own + math.sqrt(alike) * shared
            for each in covered:
                wins = win_probability((one + shift).tolist(), other.tolist(), True, each)
                covered[each] += wins.low <= truth <= wins.high
        assert covered[overlap] / draws >= 0.94 and covered[0.0] < covered[overlap]
