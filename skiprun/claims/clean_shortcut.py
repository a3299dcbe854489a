"""Claims of He et al. 2016, table 1: what stands on the shortcuts of a deep network harms it."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, ratio
from skiprun.results.summary_keys import LOSS

# The table's smallest ratio of test errors with a shortcut that is halved or replaced is 12.22 / 6.61 = 1.85;
# that of gates that are nearly shut, 6.91 / 6.61 = 1.05.
WORSE = 1.5


def measurement(options: str, seeds: int = 5) -> Measurement:
    """Return what is done, for the options of a network of 56 layers: its connection, or its shortcuts."""
    networks = {"clean": TrainedNetwork("resnet56"), "other": TrainedNetwork(f"resnet56:{options}")}
    return Measurement(networks=networks, train=True, seeds=seeds)


# What table 1 does to the shortcut, done to the branch.
HALVED_BRANCH = measurement("connection=constant_scaling,connection_options.shortcut=1")
HALVED_BRANCH_IS = "the branch halved and the shortcut clean, y = x + f(x) / 2"


def training_loss(found: Measured) -> list[Quantity]:
    """Return the training loss as a multiple of that with clean shortcuts."""
    other, clean = (found.score(LOSS, part) for part in ("other", "clean"))
    return [ratio("training loss, over that of clean shortcuts", other, clean, above(WORSE))]
