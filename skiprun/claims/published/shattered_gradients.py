"""Gradients shatter: they lose what they have in common with each layer of a plain network."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

DEPTHS = (1, 2, 3, 4)


def measurement(network: str) -> Measurement:
    """Return what is done, for a kind of network of the study."""
    options = {"depths": DEPTHS, "draws": 20}
    return Measurement(study="shatter_theorem", options=options, seeds=5, where={"network": network})


@CLAIMS.register(
    "shattered_gradients",
    paper="Balduzzi et al. 2017, theorem 1",
    published="correlation 2^-L after L layers",
    budget="toy",
    measurement=measurement("none, batch norm"),
    control=measurement("add, batch norm"),
    control_is="the same layers with a skip connection around each",
)
def quantities(found: Measured) -> list[Quantity]:
    """Each layer of a plain network halves the correlation of the gradients of two inputs."""
    correlations = {depth: found.column("correlation", depth=depth) for depth in DEPTHS}
    return [
        Quantity(f"correlation, depth {depth}", near(0.5**depth, 0.02), values)
        for depth, values in correlations.items()
    ]
