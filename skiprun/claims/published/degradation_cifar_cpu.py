"""Degradation on photographs shows early: after a sixteenth of the paper's steps, on two CPU cores."""

from __future__ import annotations

from dataclasses import replace

from skiprun.claims.measured import Measured
from skiprun.claims.published import degradation_cifar
from skiprun.claims.quantity import Quantity, above, below
from skiprun.registry import CLAIMS

PROTOCOL = "degradation_cifar_cpu"


@CLAIMS.register(
    "degradation_cifar_cpu",
    paper="He et al. 2015, section 4.2, figure 6",
    published="training error of plain networks rises from 20 to 56 layers, that of residual ones falls",
    budget="full",
    measurement=replace(degradation_cifar.measurement("plain56", "resnet56"), protocol=PROTOCOL),
    control=replace(degradation_cifar.measurement("plain20", "resnet20"), protocol=PROTOCOL),
    control_is="20 layers in the place of 56",
)
def quantities(found: Measured) -> list[Quantity]:
    """After 4,000 steps on photographs, 56 plain layers are far behind 20; with skip connections not."""
    # One seed, tried before: 35 points for the plain networks, -0.5 for the residual ones.
    gaps = zip(degradation_cifar.quantities(found), (above(10), below(3)), strict=True)
    return [replace(gap, expected=expected) for gap, expected in gaps]
