"""Format numbers for people, in ASCII: a score that could not be computed is '-', any other nan is 'nan'."""

from __future__ import annotations

import math

from skiprun.results.statistics import Sample


def significant(value: float, digits: int = 3) -> str:
    """Return a number with some significant digits, in plain notation as long as that stays short."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 6:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def format_count(value: float) -> str:
    """Return a large count with its unit: 853 k, 125 M, 4.09 G."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return significant(value / size) + unit
    return significant(value)


def format_whole(value: float) -> str:
    """Return a count to the last digit."""
    return f"{value:,.0f}"


def format_score(value: float, name: str) -> str:
    """Return a score with the decimals of its kind: percent two, shares of one four; '-' for none."""
    if math.isnan(value):
        return "-"
    return f"{value:.2f}" if name == "error" or abs(value) > 1.5 else f"{value:.4f}"


def score_unit(name: str) -> str:
    """Return the unit that follows a score."""
    return " %" if name == "error" else ""


def format_spread(sample: Sample, name: str) -> str:
    """Return a score as 'mean +- sample standard deviation', or the mean alone for one run."""
    if sample.n < 2:
        return format_score(sample.mean, name)
    return f"{format_score(sample.mean, name)} +- {format_score(sample.std, name)}"
