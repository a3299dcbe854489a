"""Gradient flow: in a deep plain network the gradient explodes on the way to the first layer."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, Region, above
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS

TWO_ORDERS = 100.0


def measurement(residual: str) -> Measurement:
    """Return what is done, for the network in which skip connections are expected."""
    networks = {"plain": "plain_cifar:depth=50", "residual": residual}
    return untrained("gradflow", networks, batch_size=64)


@CLAIMS.register(
    "gradient_flow",
    paper="Yang et al. 2019; Zaeemzadeh et al. 2020",
    published="plain, with batch norm, the gradient grows exponentially with depth; skips preserve its norm",
    budget="init",
    measurement=measurement("resnet_cifar:depth=50"),
    control=measurement("plain_cifar:depth=50"),
    control_is="the plain network in the place of the residual one",
)
def quantities(found: Measured) -> list[Quantity]:
    """With skips, the gradients of first and last layer are within two orders of magnitude; without, not."""
    ratios = {part: found.fact("first_over_last", part) for part in ("plain", "residual")}
    within = Region(1 / TWO_ORDERS, TWO_ORDERS)
    return [
        Quantity("gradient of first over last layer, 50 layers, residual", within, ratios["residual"], "log"),
        Quantity(
            "gradient of first over last layer, 50 layers, plain", above(TWO_ORDERS), ratios["plain"], "log"
        ),
    ]
