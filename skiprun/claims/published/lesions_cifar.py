"""Lesions on photographs: a residual network of 110 layers does without any one block."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.published import lesions
from skiprun.claims.published.residual_depth_cifar import WARMUP
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


def measurement(deep: TrainedNetwork) -> Measurement:
    """Return what is done, for a deep network beside plain20."""
    networks = {"residual": deep, "plain": TrainedNetwork("plain20")}
    return Measurement(
        networks=networks,
        train=True,
        protocol="degradation_cifar",
        seeds=3,
        study="lesion",
        options={"draws": 1},
    )


@CLAIMS.register(
    "lesions_cifar",
    paper="Veit et al. 2016, figure 3",
    published="without one block ResNet-110 hardly changes, but where it downsamples; VGG falls to chance",
    budget="full",
    measurement=measurement(TrainedNetwork("resnet110", overrides=(WARMUP,))),
    control=measurement(TrainedNetwork("plain56")),
    control_is="56 layers without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """On photographs too, a residual network loses little by the deletion of a block, a plain one much."""
    return lesions.quantities(found)
