"""A residual network of many blocks neither explodes nor stays the identity if branches count L^-1/2."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, Region, above
from skiprun.registry import CLAIMS

# Independent branches that are as long as their input change it by ((1 + L^-2b)^L - 1)^(1/2) in mean square:
# 5.7e6, 1.31 and 0.0316 for these b at L = 1000.
EXPECTED = {0.25: above(1e5), 0.5: Region(1.0, 1.7), 1.0: Region(0.025, 0.04)}


def measurement(weights: str) -> Measurement:
    """Return what is done, for a kind of weights of the study."""
    options = {"exponents": tuple(EXPECTED), "depths": (1000,)}
    return Measurement(study="depth_scaling", options=options, seeds=3, where={"weights": weights})


@CLAIMS.register(
    "depth_scaling",
    paper="Marion et al. 2022",
    published="at initialization L^-b explodes for b < 1/2 and gives the identity for b > 1/2",
    budget="toy",
    measurement=measurement("independent"),
    control=measurement("shared"),
    control_is="blocks that share their weights, for which b = 1 takes the place of 1/2",
)
def quantities(found: Measured) -> list[Quantity]:
    """Branches scaled by L^-b must have b = 1/2, or L blocks explode or do nothing, where L is large."""
    return [
        Quantity(
            f"|x_L - x_0| / |x_0|, L = 1000, b = {exponent:g}",
            expected,
            found.column("change", exponent=exponent),
            "log",
        )
        for exponent, expected in EXPECTED.items()
    ]
