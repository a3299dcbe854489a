"""A skip connection lets blocks of one neuron learn what plain layers as wide as the input cannot."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, above, below
from skiprun.registry import CLAIMS


def measurement(width: int) -> Measurement:
    """Return what is done, for a number of neurons of the plain layers."""
    return Measurement(study="one_neuron", options={"depths": (6,), "width": width}, seeds=3)


@CLAIMS.register(
    "one_neuron",
    paper="Lin and Jegelka 2018",
    published="blocks of one neuron approximate any function, plain networks as wide as the input do not",
    budget="toy",
    measurement=measurement(2),
    control=measurement(8),
    control_is="plain layers of 8 neurons, wider than the input",
)
def quantities(found: Measured) -> list[Quantity]:
    """Residual blocks of one neuron separate a disc, a plain network as narrow as its input does not."""
    return [
        Quantity("error of one-neuron blocks (%)", below(1), found.column("error", connection="add")),
        Quantity("error of the plain network (%)", above(25), found.column("error", connection="none")),
    ]
