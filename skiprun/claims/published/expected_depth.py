"""Stochastic depth trains shorter networks than it tests."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


def measurement(survival: float) -> Measurement:
    """Return what is done, for a probability that the last block is kept."""
    return Measurement(study="expected_depth", options={"survival": survival}, seeds=5)


@CLAIMS.register(
    "expected_depth",
    paper="Huang et al. 2016, section 3",
    published="(3 L - 1) / 4 blocks: 40 of 54",
    budget="toy",
    measurement=measurement(0.5),
    control=measurement(1.0),
    control_is="a probability that keeps every block",
)
def quantities(found: Measured) -> list[Quantity]:
    """Stochastic depth with p_L = 1/2 keeps three quarters of the blocks in the mean."""
    last = found.column("kept", block=54)
    return [
        Quantity("blocks kept, of 54", near((3 * 54 - 1) / 4, 1), found.fact("kept")),
        Quantity("share of steps that keep the last block", near(0.5, 0.1), last),
    ]
