"""Symptom: the training error rests well above nothing: too small a network, or wrong labels.

A network that is large enough learns even random labels (Zhang et al. 2017), so a training error that has
come to rest above 5 % while the rate was still high says one of two things: the network cannot hold the data,
or what it is told contradicts itself, as wrong labels do. A log alone cannot tell them apart; a wider network
can.
"""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import RunLog, mean, part

EPOCHS = 8
LEAST = 5.0  # per cent
FALL = 0.1  # of the error, between the third quarter and the last
BELOW_CHANCE = 0.9  # else it is `stuck_at_chance`


@SYMPTOMS.register(
    "training_error_stuck",
    looks_for="a training error that stays high: too small a network, or wrong labels",
    reads=("train/error",),
    paper="Zhang et al. 2017, 'Understanding deep learning requires rethinking generalization'",
)
def training_error_stuck(log: RunLog) -> Symptom | None:
    """The training error rests above 5 %."""
    errors, classes = log.curve("train/error"), log.fact("num_classes")
    if len(errors) < EPOCHS or not classes:
        return None
    third, last = part(errors, 0.5, 0.75), part(errors, 0.75)
    chance = 100 * (1 - 1 / classes)
    if not third or mean(last) < max(LEAST, (1 - FALL) * mean(third)) or mean(last) > BELOW_CHANCE * chance:
        return None
    return Symptom(
        f"The training error rests at {mean(last):.3g} % since step {third[0].step}. Either the network is "
        "too small for the data, or some labels are wrong: what contradicts itself cannot be learned.",
        (third[0], errors[-1]),
        "first a network twice as wide (model.width); if the error falls, it was too small. If it stays, "
        "or falls while the validation error rises, look at the images that `skiprun predict` gets wrong, "
        "and at their labels.",
    )
