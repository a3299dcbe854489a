"""Constant scaling: a shortcut that is halved at each block fades with depth."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import HALVED_BRANCH, HALVED_BRANCH_IS, measurement, training_loss
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "constant_scaling",
    paper="He et al. 2016, table 1",
    published="test error 12.35 % with shortcut and branch halved, 6.61 % without (ResNet-110, CIFAR-10)",
    budget="small",
    measurement=measurement("connection=constant_scaling"),
    control=HALVED_BRANCH,
    control_is=HALVED_BRANCH_IS,
)
def quantities(found: Measured) -> list[Quantity]:
    """A deep network trains worse with all of its shortcuts halved."""
    return training_loss(found)
