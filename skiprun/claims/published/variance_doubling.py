"""Variance doubling: without normalization each residual block doubles the variance of the signal."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

DEPTH = 16


def measurement(network: str) -> Measurement:
    """Return what is done, for a kind of network of the study."""
    options = {"depths": (DEPTH,), "draws": 5}
    return Measurement(study="signal_propagation", options=options, seeds=5, where={"network": network})


@CLAIMS.register(
    "variance_doubling",
    paper="Zhang et al. 2019, section 2",
    published="He's initialization makes it twice as large with each block, 2^L in all",
    budget="toy",
    measurement=measurement("add, no norm"),
    control=measurement("add, batch norm"),
    control_is="batch norm in each branch",
)
def quantities(found: Measured) -> list[Quantity]:
    """Without normalization each residual block doubles the variance of the signal."""
    variances = found.column("variance", depth=DEPTH)
    doublings = {seed: math.log2(variance) / DEPTH for seed, variance in variances.items()}
    return [Quantity("doublings of the variance a block", near(1, 0.05), doublings)]
