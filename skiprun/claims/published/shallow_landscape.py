"""The loss landscape of shallow networks: skip connections have nothing to smooth there."""

from __future__ import annotations

from skiprun.claims.loss_surface import DEEP, SHALLOW, measurement, nonconvexities
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, minus, near
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shallow_landscape",
    paper="Li et al. 2018, section 5; Yao et al. 2020",
    published="the surface of 20 layers without skip connections has convex contours as well",
    budget="small",
    measurement=measurement(SHALLOW),
    control=measurement(DEEP),
    control_is="networks of 56 layers",
)
def quantities(found: Measured) -> list[Quantity]:
    """The loss around the weights of a shallow network is as convex without skip connections as with them."""
    plain, residual = nonconvexities(found)
    return [minus("nonconvexity, plain minus residual", plain, residual, near(0, 0.1))]
