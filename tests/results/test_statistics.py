"""Statistics against hand-computed values and scipy."""

from __future__ import annotations

import math
import statistics
import warnings

import pytest
from scipy import stats

from skiprun.claims.evidence import NO_SPREAD, ONE_SEED, explain
from skiprun.results.multiple_tests import holm
from skiprun.results.significance import difference, exceeds_noise
from skiprun.results.statistics import sample_of
from skiprun.results.summary_keys import value_range


def test_mean_spread_and_interval_of_three_runs_by_hand() -> None:
    sample = sample_of([1.0, 2.0, 3.0])
    # sample std 1, t(0.975, 2) = 4.30265, half width 4.30265 / sqrt(3)
    assert (sample.n, sample.mean, sample.std) == (3, 2.0, 1.0)
    assert sample.low == pytest.approx(2 - 2.48414, abs=1e-4)
    assert sample.high == pytest.approx(2 + 2.48414, abs=1e-4)


def test_one_run_has_a_mean_and_no_spread() -> None:
    sample = sample_of([7.0])
    assert (sample.n, sample.mean) == (1, 7.0)
    assert math.isnan(sample.std) and math.isnan(sample.low)


def test_values_that_are_not_finite_do_not_count() -> None:
    assert sample_of([1.0, math.nan, math.inf, 3.0]).n == 2
    assert sample_of([]).n == 0 and math.isnan(sample_of([]).mean)


def test_equal_seeds_are_paired() -> None:
    found = difference({0: 3.0, 1: 5.0, 2: 4.5}, {2: 2.5, 1: 2.0, 0: 1.0})
    # differences 2, 3, 2: mean 7/3, std 1/sqrt(3), t = mean / (std / sqrt(3)) = 7
    assert found.by_seed == {0: 2.0, 1: 3.0, 2: 2.0}
    assert found.method == "paired t"
    assert found.mean == pytest.approx(7 / 3)
    assert found.effect == pytest.approx(7 / 3 * math.sqrt(3))
    assert found.p == pytest.approx(2 * stats.t.sf(7, 2))
    assert found.low == pytest.approx(7 / 3 - stats.t.ppf(0.975, 2) / 3)
    assert exceeds_noise(found.p) is True
    assert "n = 3" in explain(found, found.p) and "beyond the noise" in explain(found, found.p)


def test_unequal_seeds_are_compared_by_welch() -> None:
    one, other = {0: 3.0, 1: 5.0, 2: 4.0}, {0: 1.0, 7: 3.5}
    found = difference(one, other)
    expected = stats.ttest_ind([3.0, 5.0, 4.0], [1.0, 3.5], equal_var=False)
    assert found.method == "Welch t"
    assert found.p == pytest.approx(expected.pvalue)
    assert found.by_seed == {0: 2.0}
    assert found.effect == pytest.approx(1.75 / math.sqrt((1.0 + 3.125) / 2))
    assert exceeds_noise(found.p) is False and "not beyond" in explain(found, found.p)


def test_one_seed_claims_nothing() -> None:
    found = difference({0: 67.5}, {0: 1.1})
    assert found.mean == pytest.approx(66.4)
    assert exceeds_noise(found.p) is None and found.method == "none"
    assert explain(found, found.p) == ONE_SEED


def test_one_seed_against_three_claims_nothing() -> None:
    assert exceeds_noise(difference({0: 67.5}, {0: 1.1, 1: 1.2, 2: 1.3}).p) is None


def test_the_same_difference_in_every_seed_is_not_called_certain() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = difference({0: 1.1, 1: 1.2, 2: 1.3}, {0: 0.8, 1: 0.9, 2: 1.0})
        identical = difference({0: 0.0, 1: 0.0}, {0: 0.0, 1: 0.0})
    assert exceeds_noise(found.p) is None and explain(found, found.p) == NO_SPREAD
    assert exceeds_noise(identical.p) is None


def test_missing_values_are_left_out_before_pairing() -> None:
    found = difference({0: 1.0, 1: math.nan}, {0: 2.0, 1: 3.0})
    assert found.by_seed == {0: -1.0} and exceeds_noise(found.p) is None
    assert math.isnan(difference({}, {0: 1.0}).mean)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    corrected = holm([0.02, math.nan, 0.9])
    assert (
        corrected[0] == pytest.approx(0.04)
        and math.isnan(corrected[1])
        and corrected[2] == pytest.approx(0.9)
    )


def test_what_both_have_is_paired_where_a_seed_is_lost() -> None:
    found = difference({0: 3.0, 1: 5.0, 2: 4.5, 3: 9.0}, {0: 1.0, 1: 2.0, 2: 2.5})
    assert (found.method, found.n, found.by_seed) == ("paired t", 3, {0: 2.0, 1: 3.0, 2: 2.0})
    assert found.p == pytest.approx(stats.ttest_rel([3.0, 5.0, 4.5], [1.0, 2.0, 2.5]).pvalue)


def test_few_common_seeds_of_many_are_no_reason_to_forget_the_others() -> None:
    one, other = ({seed: float(seed % 5) for seed in seeds} for seeds in (range(10), range(8, 18)))
    assert difference(one, other).method == "Welch t"


@pytest.mark.parametrize(("n", "expected"), [(3, 3.264), (5, 1.682), (10, 0.996), (20, 0.660)])
def test_detectable_is_what_a_paired_test_finds_with_80_percent_power(n: int, expected: float) -> None:
    values = {seed: float(seed % 2) for seed in range(n)}
    found = difference(values, dict.fromkeys(values, 0.0))
    assert found.detectable / statistics.stdev(values.values()) == pytest.approx(expected, abs=1e-3)
    assert difference(values, dict.fromkeys(values, 0.0), tests=10).detectable > 1.2 * found.detectable


@pytest.mark.parametrize(
    ("key", "ends"),
    [
        ("test.error", (0, 100)),
        ("final.train.loss", (0, math.inf)),
        ("test.iou", (0, 1)),
        ("best.val.dice", (0, 1)),
        ("test.boundary", (0, 1)),
        ("test.pixel_error", (0, 1)),
        ("test.iou_class_12", (0, 1)),
        ("gradient.first_over_last.median", (0, math.inf)),
        ("time.images_per_s", (0, math.inf)),
        ("test.of_a_plug_in", (-math.inf, math.inf)),
    ],
)
def test_a_number_of_a_summary_lies_where_it_can(key: str, ends: tuple[float, float]) -> None:
    assert value_range(key) == ends


def test_no_interval_reaches_beyond_what_can_be() -> None:
    sample = sample_of([90.0, 98.0], 0.0, 100.0)
    assert sample.high == 100.0 and sample.low == pytest.approx(94 - 12.7062 * 4)
    found = difference({0: 0.9, 1: 0.5}, {0: 0.2, 1: 0.1}, span=1.0)
    assert (found.low, found.high) == (-1.0, 1.0)
