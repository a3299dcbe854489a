"""Without skip connections, gradient descent takes time exponential in depth."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, ratio
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection of the study."""
    options = {"depths": (2, 6, 10)}
    return Measurement(study="deep_linear", options=options, seeds=3, where={"connection": connection})


@CLAIMS.register(
    "deep_linear",
    paper="Shamir 2019",
    published="steps grow exponentially with the number of weights",
    budget="toy",
    measurement=measurement("none"),
    control=measurement("add"),
    control_is="the same weights around skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """Gradient descent on a deep linear network of one unit takes time exponential in its depth."""
    steps = {depth: found.column("steps", depth=depth) for depth in (2, 6, 10)}
    return [
        ratio("steps at depth 10 over depth 2", steps[10], steps[2], above(20)),
        # A power of the depth that grows 100 times from 2 to 10 grows 4.3 times from 6 to 10.
        ratio("steps at depth 10 over depth 6", steps[10], steps[6], above(6)),
    ]
