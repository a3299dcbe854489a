"""A number of a claim: its interval against the region that was fixed before."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from skiprun.claims.quantity import Quantity, Region, above, below, decide, minus, near, ratio


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_the_interval_is_students() -> None:
    values = [0.9, 1.1, 1.3, 0.7, 1.2]
    expected = stats.t.interval(0.95, 4, loc=stats.tmean(values), scale=stats.sem(values))
    assert Quantity("x", above(0), by_seed(*values)).interval() == pytest.approx(expected)


def test_ratios_are_judged_on_their_logarithms() -> None:
    found = ratio("r", by_seed(2.0, 8.0), by_seed(1.0, 1.0), above(1))
    assert found.value == pytest.approx(4.0)
    low, high = found.interval()
    assert low * high == pytest.approx(16.0)


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        (above(0.5), "PASS"),
        (above(1.5), "FAIL"),
        (above(1.0), "INCONCLUSIVE"),
        (below(1.5), "PASS"),
        (below(0.5), "FAIL"),
        (near(1.0, 0.2), "PASS"),
        (near(1.0, 0.05), "INCONCLUSIVE"),
        (near(2.0, 0.2), "FAIL"),
    ],
)
def test_an_interval_lies_within_beyond_or_over_an_edge(expected: Region, verdict: str) -> None:
    assert Quantity("x", expected, by_seed(0.95, 1.0, 1.05)).verdict(3) == verdict


def test_the_ends_of_a_region_do_not_belong_to_it() -> None:
    level = minus("d", by_seed(1.0, 2.0), by_seed(1.0, 2.0), above(0))
    assert level.interval() == (0, 0)
    assert level.verdict(2) == "FAIL"


def test_one_seed_decides_nothing_unless_it_is_counted() -> None:
    assert Quantity("x", above(0), by_seed(1.0)).verdict(1) == "INCONCLUSIVE"
    assert Quantity("x", above(0), by_seed(1.0), "exact").verdict(1) == "PASS"


def test_a_missing_seed_leaves_it_open() -> None:
    assert Quantity("x", above(0), by_seed(1.0, 1.1, math.nan)).verdict(3) == "INCONCLUSIVE"
    assert Quantity("x", above(0), by_seed(1.0, 1.1, 1.05)).verdict(4) == "INCONCLUSIVE"


def test_what_is_divided_by_nothing_leaves_it_open() -> None:
    found = ratio("r", by_seed(2.0, 3.0), by_seed(1.0, 0.0), above(1))
    assert found.verdict(2) == "INCONCLUSIVE"


def test_a_share_has_wilsons_interval() -> None:
    found = Quantity("share", above(0.4), by_seed(1, 1, 1, 1, 1), "share")
    assert found.interval() == pytest.approx((0.5655, 1.0), abs=1e-3)
    assert found.verdict(5) == "PASS"


def test_a_claim_passes_if_all_quantities_do_and_fails_if_one_does() -> None:
    good, bad = Quantity("x", above(0), by_seed(1.0, 1.01)), Quantity("x", below(0), by_seed(1.0, 1.01))
    open_ = Quantity("x", above(1.005), by_seed(1.0, 1.01))
    assert decide([good, good], 2) == "PASS"
    assert decide([good, bad], 2) == "FAIL"
    assert decide([good, open_], 2) == "INCONCLUSIVE"
    with pytest.raises(ValueError, match="needs a quantity"):
        decide([], 2)


def test_a_failure_among_several_counts_their_number() -> None:
    values = by_seed(0.0, 0.1, 0.2)
    edge = 0.1 + stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    alone = Quantity("x", above(edge + 1e-6), values)
    assert decide([alone], 3) == "FAIL"
    assert decide([alone, Quantity("y", above(0), by_seed(1.0, 1.1, 1.2))], 3) == "INCONCLUSIVE"


@pytest.mark.parametrize(("seeds", "errors"), [(3, 3.26), (5, 1.68), (10, 0.99)])
def test_the_detectable_distance_is_the_published_one(seeds: int, errors: float) -> None:
    values = [(-1.0) ** seed for seed in range(seeds)]
    found = Quantity("x", above(0), by_seed(*values))
    assert found.detectable / stats.tstd(values) == pytest.approx(errors, abs=0.01)
