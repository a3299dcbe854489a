"""Residual mixings must be doubly stochastic, if many of them are not to explode."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, near
from skiprun.registry import CLAIMS


def measurement(iterations: int) -> Measurement:
    """Return what is done, with so many iterations of Sinkhorn and Knopp."""
    return Measurement(study="residual_mixing", options={"iterations": iterations}, seeds=5)


@CLAIMS.register(
    "doubly_stochastic_mixing",
    paper="Xie et al. 2025",
    published="composite gain near 3000 with free mixings, 1.6 with doubly stochastic ones (27B parameters)",
    budget="toy",
    measurement=measurement(20),
    control=measurement(0),
    control_is="positive matrices that are not made doubly stochastic",
)
def quantities(found: Measured) -> list[Quantity]:
    """The product of many free residual mixings grows, that of doubly stochastic ones does not."""
    return [
        Quantity("gain of 60 free mixings", above(5), found.fact("free"), "log"),
        Quantity(
            "gain of 60 doubly stochastic mixings", near(1, 0.05), found.fact("doubly stochastic"), "log"
        ),
    ]
