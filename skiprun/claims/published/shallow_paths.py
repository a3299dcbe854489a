"""Shallow paths: batch norm lets most of the signal pass a residual network through few of its branches."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.published.branch_downscaling import BLOCKS, measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shallow_paths",
    paper="De and Smith 2020",
    published="at initialization deep residual networks with batch norm are dominated by shallow paths",
    budget="init",
    measurement=measurement("batch"),
    control=measurement("none"),
    control_is="no normalization",
)
def quantities(found: Measured) -> list[Quantity]:
    """At initialization most of the signal passes a normalized residual network through few branches."""
    # Of the variance behind block l, 1 / (l + 1) came through its branch: so many branches are on a path.
    expected = 3 * sum(1 / (block + 1) for block in range(1, BLOCKS + 1))
    lengths = {
        seed: math.fsum(row["branch_share"] for row in rows) for seed, rows in found.rows("network").items()
    }
    return [Quantity("branches on a path, of 54, in the mean over the signal", near(expected, 2), lengths)]
