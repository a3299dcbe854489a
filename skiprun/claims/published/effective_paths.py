"""Effective paths: deep residual networks avoid the vanishing gradient by their short paths."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, below
from skiprun.registry import CLAIMS

BLOCKS = 27


def measurement(name: str) -> Measurement:
    """Return what is done, for a network of 27 blocks."""
    return Measurement(networks={"deep": TrainedNetwork(name)}, train=True, seeds=5, study="paths")


@CLAIMS.register(
    "effective_paths",
    paper="Veit et al. 2016, section 5",
    published="the gradient of ResNet-110 comes through 5 to 17 of 54 blocks, most paths through 19 to 35",
    budget="small",
    measurement=measurement("resnet56"),
    control=measurement("plain56"),
    control_is="as many blocks without skip connections, which are one path",
)
def quantities(found: Measured) -> list[Quantity]:
    """The gradient of a deep residual network comes through paths that are shorter than most of its paths."""
    longest = found.fact("effective_to", "deep")
    # Half of all paths lead through half of the blocks or fewer.
    return [Quantity("branches on the longest path of 90 % of the gradient", below(BLOCKS / 2), longest)]
