"""Not all long skips of a U-Net are needed: the one at full resolution can be left out."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, below, minus
from skiprun.registry import CLAIMS

NONE = TrainedNetwork("unet:connection=none")


def measurement(network: TrainedNetwork) -> Measurement:
    """Return what is done, for a network from which skips are missing."""
    networks = {"all": TrainedNetwork("unet"), "top one missing": network, "none": NONE}
    return Measurement(networks=networks, train=True, protocol="unet_cells", seeds=3)


@CLAIMS.register(
    "unet_top_skip",
    paper="Wilm et al. 2024",
    published="best without the uppermost skip, by up to 10 %, and worst without any",
    budget="small",
    measurement=measurement(TrainedNetwork("unet:skip_levels=0111")),
    control=measurement(NONE),
    control_is="all skips left out in the place of the top one",
)
def quantities(found: Measured) -> list[Quantity]:
    """The uppermost skip of a U-Net can be left out, and having none is worst."""
    every, part, none = (found.score("test.iou", name) for name in ("all", "top one missing", "none"))
    shares = {
        seed: (every[seed] - part[seed]) / (every[seed] - none[seed])
        for seed in every.keys() & part.keys() & none.keys()
        if every[seed] != none[seed]
    }
    return [
        Quantity("share of what all skips gain in IoU that is lost without the top one", below(0.25), shares),
        minus("IoU, without any minus without the top one", none, part, below(0)),
    ]
