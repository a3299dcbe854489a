"""Weights learned on other classes are a better place to start from than random ones."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, above, minus
from skiprun.registry import CLAIMS
from skiprun.results.history import read_history
from skiprun.results.records import RunRecord

TARGET = 5.0  # % validation error
SCRATCH = TrainedNetwork("resnet20")
OTHER_DIGITS = TrainedNetwork("resnet20", overrides=("data.only_classes=[5, 6, 7, 8, 9]",))


def measurement(network: TrainedNetwork) -> Measurement:
    """Return what is done, for a network beside one with random weights, both on the digits 0 to 4."""
    networks = {"scratch": SCRATCH, "transferred": network}
    return Measurement(
        networks=networks, train=True, protocol="transfer_digits", overrides=("optim.lr=0.1",), seeds=20
    )


@CLAIMS.register(
    "transfer_head_start",
    paper="Yosinski et al. 2014, section 4",
    published="weights of even distant tasks are better than random ones; no number for epochs",
    budget="small",
    measurement=measurement(TrainedNetwork("resnet20", start=OTHER_DIGITS)),
    control=measurement(SCRATCH),
    control_is="random weights again",
)
def quantities(found: Measured) -> list[Quantity]:
    """A network that starts from weights of other classes is good sooner than one with random weights."""
    scratch, transferred = (
        {run.seed: epochs_needed(run) for run in found.finished(part)} for part in ("scratch", "transferred")
    )
    name = f"epochs to {TARGET:g} % validation error, random minus transferred"
    return [minus(name, scratch, transferred, above(0.5))]


def epochs_needed(run: RunRecord) -> float:
    """Return after how many epochs a run first has the validation error; NaN where it never has."""
    errors = read_history(run, "error").score
    return min((epoch for epoch, error in errors.items() if error <= TARGET), default=math.nan)
