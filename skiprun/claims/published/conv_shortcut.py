"""Convolutional shortcuts: they can represent the identity, and still are worse than it."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import measurement, training_loss
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "conv_shortcut",
    paper="He et al. 2016, table 1",
    published="test error 12.22 % with 1x1 convolutions, 6.61 % with identities (ResNet-110, CIFAR-10)",
    budget="small",
    measurement=measurement("connection=conv_shortcut", seeds=3),
    control=measurement("shortcut=B", seeds=3),
    control_is="1x1 convolutions on two of the 27 shortcuts, where shapes change (option B)",
)
def conv_shortcut(found: Measured) -> list[Quantity]:
    """A deep network trains worse with a 1x1 convolution on each shortcut."""
    return training_loss(found)
