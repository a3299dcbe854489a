"""Concatenation needs few channels: a DenseNet is as good as a residual network of several times its size."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


def measurement(network: str) -> Measurement:
    """Return what is done, for a network."""
    return Measurement(
        networks={"network": TrainedNetwork(network)}, train=True, protocol="densenet_cifar", seeds=3
    )


@CLAIMS.register(
    "densenet_cifar",
    paper="Huang et al. 2017, table 2",
    published="test error 5.24 % (40 layers of 12 channels, 1.0 million parameters)",
    budget="full",
    measurement=measurement("densenet40_12"),
    control=measurement("densenet40_12:connection=none"),
    control_is="the same layers, each of which is given the one before it alone",
)
def quantities(found: Measured) -> list[Quantity]:
    """A DenseNet of 40 layers, each of 12 channels, errs on 5.2 % of CIFAR-10."""
    return [Quantity("test error (%)", near(5.24, 0.6), found.score("test.error", "network"))]
