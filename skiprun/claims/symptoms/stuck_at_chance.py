"""Symptom: the network is no better than guessing, on the images that it trains on.

Guessing one of K classes is wrong in 1 - 1/K of the images, and costs log K nats. Two standard errors below
that are still guessing; see `skiprun.claims.convergence`.
"""

from __future__ import annotations

import math

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import EPOCH_LOSS, RunLog, part

EPOCHS = 2  # so long even a good run may take


@SYMPTOMS.register("stuck_at_chance", looks_for="a network that only guesses", reads=("train/error",))
def stuck_at_chance(log: RunLog) -> Symptom | None:
    """The training error is that of guessing through the second half of the run."""
    errors, classes, images = log.curve("train/error"), log.fact("num_classes"), log.fact("train")
    if len(errors) < EPOCHS or not classes or not images:
        return None
    wrong = 1 - 1 / classes
    guessing = 100 * (wrong - 2 * math.sqrt(wrong * (1 - wrong) / images))
    late = part(errors, 0.5)
    if min(error.value for error in late) < guessing:
        return None
    return Symptom(
        f"The network has learned nothing: it is wrong on {errors[-1].value:.0f} % of the images that it "
        f"trains on, as guessing one of {classes:g} classes would be.",
        (errors[-1], *log.curve(EPOCH_LOSS)[-1:]),
        "another optim.lr, first ten times smaller, then ten times larger; normalization "
        "(model.norm=batch); skip connections, if the network is deep and plain. If nothing helps, look "
        "whether images and labels belong together.",
    )
