"""Dense connections need few parameters."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, below, near, quotients
from skiprun.registry import CLAIMS


def measurement(dense: str) -> Measurement:
    """Return what is done, for a dense network beside a residual one of 1001 layers."""
    return Measurement(study="parameters", options={"networks": ("densenet40_12", dense, "preact1001")})


@CLAIMS.register(
    "densenet_parameters",
    paper="Huang et al. 2017, table 2",
    published="1.0M with 40 layers; 0.8M with 100 (BC), 90 % less than ResNet-1001 of equal error",
    budget="toy",
    measurement=measurement("densenet_bc_100_12"),
    control=measurement("densenet100_12"),
    control_is="100 dense layers without bottlenecks and compression",
)
def quantities(found: Measured) -> list[Quantity]:
    """A dense network of 100 layers with bottlenecks has less than a tenth of ResNet-1001's parameters."""
    short, dense, residual = (
        {seed: rows[place]["parameters"] / 1e6 for seed, rows in found.rows().items()} for place in range(3)
    )
    shares = quotients(dense, residual)
    return [
        Quantity("millions of parameters, 40 layers", near(1.0, 0.05), short, "exact"),
        Quantity("millions of parameters, 100 layers", near(0.8, 0.05), dense, "exact"),
        Quantity("share of ResNet-1001's parameters", below(0.1), shares, "exact"),
    ]
