"""Norm preservation: the more residual blocks, the less each of them changes the norm of the gradient."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, minus, near
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection."""
    networks = {depth: f"preact{depth}:connection={connection}" for depth in ("20", "110")}
    return untrained("shortcuts", networks)


@CLAIMS.register(
    "norm_preservation",
    paper="Zaeemzadeh et al. 2020",
    published="the norm of the gradient is preserved better as more residual blocks are stacked",
    budget="init",
    measurement=measurement("add"),
    control=measurement("none"),
    control_is="blocks without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """The more residual blocks are stacked, the better each of them preserves the norm of the gradient."""
    # Per block, the variance of the signal grows by 1 - 1/pi, and its second batch norm makes the gradient of
    # the branch pi / (pi - 1) times as large. So |dE/dx|^2 grows by 1 + 2.15 / (l + 1/2) at the l-th block
    # behind the first of a stage: a factor of 1.46 a block in stages of 3, and of 1.15 in stages of 18.
    factors = {part: found.fact("gradient_per_block", part) for part in ("20", "110")}
    return [
        minus("factor a block, 20 layers less 110", factors["20"], factors["110"], above(0.1)),
        Quantity("factor a block, 110 layers", near(1.15, 0.1), factors["110"]),
    ]
