"""With norm and activation in front of the weights, residual networks of more layers get better yet."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.published.residual_depth_cifar import WARMUP
from skiprun.claims.quantity import Quantity, near
from skiprun.registry import CLAIMS


def measurement(network: str) -> Measurement:
    """Return what is done, for a network."""
    return Measurement(
        networks={"network": TrainedNetwork(network)},
        train=True,
        protocol="degradation_cifar",
        overrides=(WARMUP,),
        seeds=5,
    )


@CLAIMS.register(
    "preactivation_cifar",
    paper="He et al. 2016, table 4",
    published="test error 5.46 % (pre-activation, 164 layers; median of 5 runs); 6.61 (110 layers of 2015)",
    budget="full",
    measurement=measurement("preact164"),
    control=measurement("resnet110"),
    control_is="the residual network of 2015, of 110 layers",
)
def quantities(found: Measured) -> list[Quantity]:
    """A pre-activation network of 164 layers errs on 5.5 % of CIFAR-10."""
    return [Quantity("test error (%)", near(5.46, 0.5), found.score("test.error", "network"))]
