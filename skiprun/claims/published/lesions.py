"""Lesions: a residual network does without any one block, as an ensemble does without a member."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, Region, above, below, quotients
from skiprun.registry import CLAIMS


def measurement(deep: str) -> Measurement:
    """Return what is done, for a network of 56 layers beside plain20."""
    networks = {"residual": TrainedNetwork(deep), "plain": TrainedNetwork("plain20")}
    return Measurement(networks=networks, train=True, seeds=3, study="lesion", options={"draws": 1})


@CLAIMS.register(
    "lesions",
    paper="Veit et al. 2016, figure 3",
    published="without one block ResNet-110 hardly changes, but where it downsamples; VGG falls to chance",
    budget="small",
    measurement=measurement("resnet56"),
    control=measurement("plain56"),
    control_is="as many layers without skip connections",
)
def quantities(found: Measured) -> list[Quantity]:
    """A residual network loses little by the deletion of a block, a plain one nearly all that it can lose."""
    return [share_lost(found, "residual", below(0.05)), share_lost(found, "plain", above(0.8))]


def share_lost(found: Measured, part: str, expected: Region) -> Quantity:
    """Return what one block is worth, in the median, as a share of what the worst lesion costs.

    A network that errs much when it is whole has less to lose.
    """
    median, largest = (found.fact(name, part) for name in ("median_damage", "largest_damage"))
    return Quantity(f"share lost by one block, {part}", expected, quotients(median, largest))
