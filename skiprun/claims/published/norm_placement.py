"""Pre-norm makes the last layer's gradient smaller in deeper networks, post-norm does not."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection around the blocks."""
    options = {"depths": (4, 16, 64, 128), "draws": 2, "connection": connection}
    return Measurement(study="norm_placement", options=options, seeds=5)


@CLAIMS.register(
    "norm_placement",
    paper="Xiong et al. 2020, theorem 1",
    published="1 / sqrt(L) with pre-norm, the same at every depth with post-norm",
    budget="toy",
    measurement=measurement("add"),
    control=measurement("none"),
    control_is="the same blocks without a skip connection",
)
def quantities(found: Measured) -> list[Quantity]:
    """With pre-norm the last layer's gradient falls as the root of the depth, with post-norm it does not."""
    # The variance behind L pre-norm blocks is 1 + L / 2: from 4 to 128 blocks that makes an exponent of -.44.
    return [
        Quantity("exponent of the depth, pre-norm", near(-0.45, 0.1), found.fact("pre-norm slope")),
        Quantity("exponent of the depth, post-norm", near(0, 0.1), found.fact("post-norm slope")),
    ]
