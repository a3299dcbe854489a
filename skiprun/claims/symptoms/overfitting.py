"""Symptom: the network learns its training images by heart, from a certain epoch on.

The loss on images that it does not train on is lowest at some epoch and rises behind it, while that of the
training goes on falling (Prechelt 1998, "Early stopping - but when?"). It has to rise by a quarter, and by
0.1 nats, to the mean of the last tenth of the epochs: the loss of a good run goes up and down by less.
"""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import EPOCH_LOSS, RunLog, mean, part

TIMES, NATS = 1.25, 0.1


@SYMPTOMS.register(
    "overfitting",
    looks_for="training images learned by heart, while others get worse",
    reads=("val/loss",),
    paper="Prechelt 1998",
)
def overfitting(log: RunLog) -> Symptom | None:
    """The validation loss rises from its lowest point on, while the training loss falls."""
    val, train = log.curve("val/loss"), log.curve(EPOCH_LOSS)
    if len(val) < 4:
        return None
    best, end = min(val, key=lambda point: point.value), mean(part(val, 0.9))
    learned = [point.value for point in train if point.step <= best.step]
    if end < TIMES * best.value or end - best.value < NATS or not learned or train[-1].value >= learned[-1]:
        return None
    score = log.score_name
    scores = [point for point in log.curve(f"val/{score}") if point.step in (best.step, val[-1].step)]
    return Symptom(
        f"From step {best.step} on the network learns its training images by heart: the loss on the others "
        f"rises from {best.value:.3g} to {end:.3g}, while that of the training falls to "
        f"{train[-1].value:.3g}.",
        (best, val[-1], train[-1], *scores),
        "more training images, or augmentation (data.augment); more optim.weight_decay, "
        "optim.label_smoothing or a narrower network; a shorter schedule. The best checkpoint is of the "
        "epoch with the best validation score.",
    )
