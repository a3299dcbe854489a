"""A quantity in a sentence: its value, its interval, and where it was expected."""

from __future__ import annotations

import math

from skiprun.claims.quantity import Quantity
from skiprun.errors import counted
from skiprun.results.numbers import significant


def quantity_sentence(quantity: Quantity, seeds: int) -> str:
    """Say a number, its interval and where it was expected; what could be told where that is open."""
    low, high = quantity.interval()
    spread = "" if math.isinf(low) or low == high else f" ({significant(low)} to {significant(high)})"
    there = sum(map(math.isfinite, quantity.values.values()))
    few = f"; {there} of {counted(seeds, 'seed')}" if there < seeds else ""
    verdict = quantity.verdict(seeds)
    seen = "" if verdict != "INCONCLUSIVE" or math.isnan(quantity.detectable) else _detectable(quantity)
    return (
        f"{quantity.name}: {significant(quantity.value)}{spread}, "
        f"expected {quantity.expected.words}: {verdict}{few}{seen}"
    )


def _detectable(quantity: Quantity) -> str:
    """Say how far an edge of the region must lie from the value to be told from it."""
    times = " times" if quantity.scale == "log" else ""
    return f"; detectable {significant(quantity.detectable, 2)}{times}"
