"""Convolutional shortcuts: they can represent the identity, and still are worse than it."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import HALVED_BRANCH, HALVED_BRANCH_IS, measurement, training_loss
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "conv_shortcut",
    paper="He et al. 2016, table 1",
    published="test error 12.22 % with 1x1 convolutions, 6.61 % with identities (ResNet-110, CIFAR-10)",
    budget="small",
    measurement=measurement("connection=conv_shortcut", seeds=3),
    control=HALVED_BRANCH,
    control_is=HALVED_BRANCH_IS,
)
def quantities(found: Measured) -> list[Quantity]:
    """A deep network trains worse with a 1x1 convolution on each shortcut."""
    return training_loss(found)
