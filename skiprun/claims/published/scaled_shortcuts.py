"""Scaled shortcuts: a factor below 1 on each shortcut makes its gradient vanish with depth."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, below, near, ratio
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection."""
    return untrained("shortcuts", {"network": f"preact110:connection={connection}"})


@CLAIMS.register(
    "scaled_shortcuts",
    paper="He et al. 2016, equation 8",
    published="shortcuts pass on the product of their factors; below 1 it vanishes, and blocks the shortcuts",
    budget="init",
    measurement=measurement("constant_scaling"),
    control=measurement("add"),
    control_is="a factor of 1 on each shortcut",
)
def quantities(found: Measured) -> list[Quantity]:
    """Shortcuts scaled by 0.5 pass on 0.5^L of the gradient over L blocks, and leave it to the branches."""
    alone, whole = (found.fact(name, "network") for name in ("shortcuts", "gradient"))
    per_block = found.fact("shortcuts_per_block", "network")
    return [
        Quantity("gradient through the shortcuts, factor a block", near(0.5, 0.01), per_block),
        ratio("gradient through the shortcuts over the whole, 17 blocks", alone, whole, below(0.01)),
    ]
