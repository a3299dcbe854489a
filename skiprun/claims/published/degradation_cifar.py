"""Degradation is no matter of overfitting: the deeper plain network has the higher training error."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, below, minus
from skiprun.registry import CLAIMS

ERROR = "final.train.error"


def measurement(plain: str, residual: str) -> Measurement:
    """Return what is done, for two networks beside plain and residual ones of 20 layers."""
    parts = {"plain": plain, "residual": residual, "plain20": "plain20", "resnet20": "resnet20"}
    networks = {part: TrainedNetwork(name) for part, name in parts.items()}
    return Measurement(networks=networks, train=True, protocol="degradation_cifar", seeds=3)


@CLAIMS.register(
    "degradation_cifar",
    paper="He et al. 2015, section 4.2, figure 6",
    published="training error of plain networks rises from 20 to 56 layers, that of residual ones falls",
    budget="full",
    measurement=measurement("plain56", "resnet56"),
    control=measurement("plain20", "resnet20"),
    control_is="20 layers in the place of 56",
)
def quantities(found: Measured) -> list[Quantity]:
    """On photographs, 56 plain layers train worse than 20, and 56 with skip connections train better."""
    plain, residual, plain20, resnet20 = (
        found.score(ERROR, part) for part in ("plain", "residual", "plain20", "resnet20")
    )
    return [
        minus("training error, plain, deep minus 20 layers (points)", plain, plain20, above(0)),
        minus("training error, residual, deep minus 20 layers (points)", residual, resnet20, below(0)),
    ]
