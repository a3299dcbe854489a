"""Without skip connections, attention makes all tokens alike."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, below
from skiprun.registry import CLAIMS


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection of the study."""
    options = {"layers": 4}
    return Measurement(study="attention_rank", options=options, seeds=5, where={"connection": connection})


@CLAIMS.register(
    "attention_rank",
    paper="Dong et al. 2021",
    published="the residual after L layers is of the order of a power 3^L",
    budget="toy",
    measurement=measurement("none"),
    control=measurement("add"),
    control_is="the same layers with a skip connection around each",
)
def quantities(found: Measured) -> list[Quantity]:
    """Attention without skip connections loses rank doubly exponentially with depth."""
    first, second, third, fourth = (found.column("residual", layers=layer) for layer in (1, 2, 3, 4))
    # 1 for a residual that falls exponentially, 3 for its cube; the fourth layer is at rounding already.
    order = {
        seed: math.log(third[seed] / second[seed]) / math.log(second[seed] / first[seed]) for seed in first
    }
    return [
        Quantity("share in which tokens differ after 4 layers", below(1e-6), fourth, "log"),
        Quantity("order of the fall from layer to layer", above(1.5), order),
    ]
