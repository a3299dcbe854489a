"""Whatever stands on the shortcut hurts a deep residual network, though it can represent more."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.published.residual_depth_cifar import WARMUP
from skiprun.claims.quantity import Quantity, above, minus
from skiprun.registry import CLAIMS

IDENTITY = "resnet110"


def measurement(scaled: str, convolved: str) -> Measurement:
    """Return what is done, for two networks beside one whose shortcuts are clean."""
    names = {"identity": IDENTITY, "scaled": scaled, "convolved": convolved}
    networks = {part: TrainedNetwork(name) for part, name in names.items()}
    return Measurement(
        networks=networks, train=True, protocol="degradation_cifar", overrides=(WARMUP,), seeds=5
    )


@CLAIMS.register(
    "clean_shortcut_cifar",
    paper="He et al. 2016, table 1",
    published="test error 6.61 % (110 layers); 12.35 with both sides halved, 12.22 with 1x1 convolutions",
    budget="full",
    measurement=measurement("resnet110:connection=constant_scaling", "resnet110:connection=conv_shortcut"),
    control=measurement(IDENTITY, IDENTITY),
    control_is="clean shortcuts again",
)
def quantities(found: Measured) -> list[Quantity]:
    """A factor or a convolution on the shortcuts of 110 layers nearly doubles the test error."""
    identity, scaled, convolved = (
        found.score("test.error", part) for part in ("identity", "scaled", "convolved")
    )
    return [
        minus("test error, halved minus identity (points)", scaled, identity, above(2)),
        minus("test error, 1x1 convolution minus identity (points)", convolved, identity, above(2)),
    ]
