"""The loss landscape of deep networks: convex around the weights with skip connections, and not without."""

from __future__ import annotations

from skiprun.claims.loss_surface import DEEP, SHALLOW, measurement, nonconvexities
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, above, below
from skiprun.registry import CLAIMS

CONVEX = 0.1


@CLAIMS.register(
    "deep_landscape",
    paper="Li et al. 2018, section 5",
    published="the surface of ResNet-56 is chaotic without skip connections, with them convex in its middle",
    budget="small",
    measurement=measurement(DEEP),
    control=measurement(SHALLOW),
    control_is="networks of 8 layers, which skip connections change little",
)
def quantities(found: Measured) -> list[Quantity]:
    """The loss around the weights of a deep network is not convex, and with skip connections nearly is."""
    plain, residual = nonconvexities(found)
    return [
        Quantity("nonconvexity, plain", above(CONVEX), plain),
        Quantity("nonconvexity, residual", below(CONVEX), residual),
    ]
