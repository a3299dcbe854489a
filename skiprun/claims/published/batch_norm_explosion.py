"""Batch norm explodes the gradients of a plain network."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS

DEPTHS = (10, 20, 40)
FACTOR = math.sqrt(math.pi / (math.pi - 1))


def measurement(network: str) -> Measurement:
    """Return what is done, for a kind of network of the study."""
    options = {"depths": DEPTHS}
    return Measurement(study="batch_norm_explosion", options=options, seeds=3, where={"network": network})


@CLAIMS.register(
    "batch_norm_explosion",
    paper="Yang et al. 2019",
    published="sqrt(pi / (pi - 1)) = 1.21 a layer in wide networks and large batches",
    budget="toy",
    measurement=measurement("none, batch norm"),
    control=measurement("add, batch norm"),
    control_is="the same layers with a skip connection around each",
)
def quantities(found: Measured) -> list[Quantity]:
    """Each layer of a plain network with batch norm makes the gradient 1.21 times larger."""
    return [
        Quantity(
            f"growth a layer, depth {depth}", near(FACTOR, 0.015), found.column("factor", depth=depth), "log"
        )
        for depth in DEPTHS
    ]
