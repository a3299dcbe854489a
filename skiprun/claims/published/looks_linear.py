"""Initialization can take the place of skip connections: mirrored weights keep gradients correlated."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


def measurement(weights: str) -> Measurement:
    """Return what is done, for a kind of weights of the study."""
    options = {"depths": (32,), "draws": 5}
    return Measurement(study="looks_linear", options=options, seeds=3, where={"weights": weights})


@CLAIMS.register(
    "looks_linear",
    paper="Balduzzi et al. 2017, section 4",
    published="a plain network that looks linear at initialization does not shatter gradients",
    budget="toy",
    measurement=measurement("mirrored"),
    control=measurement("independent"),
    control_is="the same layers with independent weights",
)
def quantities(found: Measured) -> list[Quantity]:
    """Mirrored weights keep the gradients of a deep plain network from shattering."""
    return [Quantity("correlation, depth 32", near(1, 0.01), found.column("correlation", depth=32))]
