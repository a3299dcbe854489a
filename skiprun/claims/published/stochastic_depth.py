"""A residual network may be shorter while it trains than when it is used."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, below, minus
from skiprun.registry import CLAIMS

# Of 360 test images: two networks that err on 1 % are told apart from 2 points on (McNemar's exact test).
TOLD_APART = 2.0


def measurement(connection: str) -> Measurement:
    """Return what is done, for a connection at which something is left out by chance."""
    networks = {
        "constant": TrainedNetwork("resnet56"),
        "random": TrainedNetwork(f"resnet56:connection={connection}"),
    }
    return Measurement(networks=networks, train=True, seeds=3)


@CLAIMS.register(
    "stochastic_depth",
    paper="Huang et al. 2016, sections 3 and 4",
    published="a quarter of the blocks sleeps in a step, and the error falls: 5.23 against 6.41 % (CIFAR-10)",
    budget="small",
    measurement=measurement("stochastic_depth"),
    control=measurement("shortcut_dropout"),
    control_is="the shortcut left out by chance, and not the branch",
    # The difference varies by 1.3 points from seed to seed: five of them tell 2.2 at best.
    foreseen="INCONCLUSIVE",
)
def quantities(found: Measured) -> list[Quantity]:
    """Branches of a residual network can be left out by chance in training, at no cost in test error."""
    random, constant = (found.score("test.error", part) for part in ("random", "constant"))
    name = "test error, random minus constant depth (points)"
    return [minus(name, random, constant, below(TOLD_APART))]
