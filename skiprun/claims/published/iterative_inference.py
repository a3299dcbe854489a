"""Iterative inference: late residual blocks refine what the network believes already."""

from __future__ import annotations

from collections.abc import Mapping

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above
from skiprun.registry import CLAIMS


def measurement(look: Mapping[str, object]) -> Measurement:
    """Return what is done, for a choice of weights."""
    networks = {"network": TrainedNetwork("resnet56")}
    return Measurement(networks=networks, train=True, seeds=5, study="refinement", look=look)


@CLAIMS.register(
    "iterative_inference",
    paper="Jastrzebski et al. 2018, section 4.1",
    published="features move along the negative gradient of the loss, the more the later the block",
    budget="small",
    measurement=measurement({}),
    control=measurement({"weights": "initial"}),
    control_is="the same networks before their first step",
)
def quantities(found: Measured) -> list[Quantity]:
    """Late blocks of a trained residual network move its features along the negative gradient of the loss."""
    cosines = found.fact("late", "network")
    return [Quantity("cosine of branch and negative gradient, last third", above(0.05), cosines)]
