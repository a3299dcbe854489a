"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from skiprun.results.numbers import format_count, format_score, format_spread, format_whole, significant
from skiprun.results.statistics import sample_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (1.0, "1.00"),
        (-12.345, "-12.3"),
        (0.00012345, "0.000123"),
        (0.000012345, "1.23e-05"),
        (123456.0, "123,456"),
        (1234567.0, "1.23e+06"),
    ],
)
def test_three_digits_are_significant_and_plain_from_a_ten_thousandth_to_a_million(
    value: float, words: str
) -> None:
    assert significant(value) == words


def test_digits_are_as_many_as_asked_for() -> None:
    assert (significant(math.pi, 2), significant(1e-7 * math.pi, 2)) == ("3.1", "3.1e-07")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (999, "999"),
        (1000, "1.00 k"),
        (853_018, "853 k"),
        (1e6, "1.00 M"),
        (124_777_000, "125 M"),
        (4.09e9, "4.09 G"),
    ],
)
def test_counts_have_the_unit_that_fits(value: float, words: str) -> None:
    assert format_count(value) == words


def test_whole_counts_have_every_digit() -> None:
    assert format_whole(269722.0) == "269,722"


def test_percent_have_two_decimals_and_shares_four() -> None:
    scores = [format_score(value, name) for value, name in ((1.234, "error"), (0.86321, "iou"), (1.5, "x"))]
    assert scores == ["1.23", "0.8632", "1.5000"]
    assert format_score(2.0, "loss") == "2.00" and format_score(math.nan, "error") == "-"


def test_one_run_has_no_spread() -> None:
    assert format_spread(sample_of([7.0]), "error") == "7.00"
    assert format_spread(sample_of([1.0, 2.0, 3.0]), "error") == "2.00 +- 1.00"
