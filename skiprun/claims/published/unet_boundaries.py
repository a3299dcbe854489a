"""The long skips of a U-Net carry what its bottom has no room for: where things end."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, Region, above, minus
from skiprun.registry import CLAIMS

WITHOUT = TrainedNetwork("unet:connection=none")


def measurement(network: TrainedNetwork) -> Measurement:
    """Return what is done, for a network that is compared with one without long skips."""
    networks = {"with": network, "without": WITHOUT}
    return Measurement(networks=networks, train=True, protocol="unet_cells", seeds=3)


@CLAIMS.register(
    "unet_boundaries",
    paper="Ronneberger et al. 2015, section 2",
    published="features of high resolution from the contracting path are what localizes; no number",
    budget="small",
    measurement=measurement(TrainedNetwork("unet")),
    control=measurement(WITHOUT),
    control_is="a network without long skips in the place of the one with them",
)
def quantities(found: Measured) -> list[Quantity]:
    """The long skips of a U-Net carry the boundaries, more than the areas."""
    boundary = gain(found, "boundary F-score", "test.boundary", above(0.2))
    area = gain(found, "IoU", "test.iou", above(0))
    name = "gain in boundary F-score minus gain in IoU"
    return [boundary, minus(name, boundary.values, area.values, above(0))]


def gain(found: Measured, name: str, key: str, expected: Region) -> Quantity:
    """Return a score with long skips minus that without."""
    with_skips, without = (found.score(key, part) for part in ("with", "without"))
    return minus(f"{name}, with minus without", with_skips, without, expected)
