"""Highway bias: a negative bias of its gates lets a highway network begin near the identity."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, near
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS

BIAS = -3.0


def measurement(bias: float) -> Measurement:
    """Return what is done, for a bias of all gates; the paper's networks have no normalization."""
    name = f"highway_full:depth=100,norm=none,connection_options.bias={bias}"
    return untrained("shortcuts", {"network": name})


@CLAIMS.register(
    "highway_bias",
    paper="Srivastava et al. 2015",
    published="with a bias of -1 to -3 the network begins by carrying its input; 100 layers train as 10 do",
    budget="init",
    measurement=measurement(BIAS),
    control=measurement(0.0),
    control_is="a bias of 0",
)
def quantities(found: Measured) -> list[Quantity]:
    """With a negative bias of its gates a highway network of 100 layers begins by carrying its input."""
    # A gate T = sigmoid(b) carries 1 - T, .953 with a bias of -3; its weights make it a little less.
    carried = 1 / (1 + math.exp(BIAS))
    per_layer = found.fact("shortcuts_per_block", "network")
    return [Quantity("gradient that a layer carries", near(carried, 0.03), per_layer)]
