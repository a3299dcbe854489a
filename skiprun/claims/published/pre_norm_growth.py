"""Pre-norm networks grow with depth, so that late blocks change them little (the curse of depth)."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

DEPTHS = (16, 64)


def measurement(network: str) -> Measurement:
    """Return what is done, for a kind of network of the study."""
    options = {"blocks": max(DEPTHS)}
    return Measurement(study="pre_norm_growth", options=options, seeds=5, where={"network": network})


@CLAIMS.register(
    "pre_norm_growth",
    paper="Sun et al. 2025",
    published="variance between the orders of L and exp(L) with pre-norm; layer norm scaling restrains it",
    budget="toy",
    measurement=measurement("pre-norm"),
    control=measurement("layer norm scaling"),
    control_is="layer norm scaled by 1 / sqrt(l) in block l",
)
def quantities(found: Measured) -> list[Quantity]:
    """The variance of a pre-norm network grows in proportion to its depth at initialization."""
    variances = {depth: found.column("variance", depth=depth) for depth in DEPTHS}
    return [
        Quantity(
            f"variance after {depth} blocks over 1 + {depth}",
            near(1, 0.1),
            {seed: value / (1 + depth) for seed, value in values.items()},
        )
        for depth, values in variances.items()
    ]
