"""Layers of a DenseNet read what all earlier layers of their block gave, not the last one alone."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above
from skiprun.registry import CLAIMS

CHANCE = 90.0  # points of error that are there to lose, when one of ten digits is guessed


def measurement(network: str) -> Measurement:
    """Return what is done, for a network of dense blocks."""
    return Measurement(
        networks={"network": TrainedNetwork(network)},
        train=True,
        seeds=3,
        study="lesion",
        options={"side": "skip", "draws": 1},
    )


@CLAIMS.register(
    "dense_reuse",
    paper="Huang et al. 2017, section 5, figure 5",
    published="deep layers directly use features of very early layers of their block; a heat map, no number",
    budget="small",
    measurement=measurement("densenet_cifar:depth=22"),
    control=measurement("densenet_cifar:depth=22,connection=none"),
    control_is="the same layers, each of which is given the one before it alone",
)
def quantities(found: Measured) -> list[Quantity]:
    """A DenseNet does not work where layers are given the last layer's output without the earlier ones'."""
    name = "points of error added without the earlier layers, median over sites"
    return [Quantity(name, above(CHANCE / 2), found.fact("median_damage", "network"))]
