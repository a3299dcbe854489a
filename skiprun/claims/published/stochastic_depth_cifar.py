"""Branches that are left out by chance in training regularize a deep residual network."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, below, minus
from skiprun.registry import CLAIMS

CONSTANT = TrainedNetwork("resnet110")


def measurement(network: TrainedNetwork) -> Measurement:
    """Return what is done, for a network beside one of constant depth."""
    networks = {"constant": CONSTANT, "random": network}
    return Measurement(networks=networks, train=True, protocol="stochastic_depth_cifar", seeds=5)


@CLAIMS.register(
    "stochastic_depth_cifar",
    paper="Huang et al. 2016, figure 3",
    published="test error 5.23 % with stochastic depth, 6.41 without (110 layers)",
    budget="full",
    measurement=measurement(TrainedNetwork("resnet110:connection=stochastic_depth")),
    control=measurement(CONSTANT),
    control_is="constant depth again",
)
def quantities(found: Measured) -> list[Quantity]:
    """Stochastic depth lowers the test error of a residual network of 110 layers on CIFAR-10 by a point."""
    random, constant = (found.score("test.error", part) for part in ("random", "constant"))
    return [minus("test error, random minus constant depth (points)", random, constant, below(-0.5))]
