"""Symptom: the learning rate is too high, as the loss rises far above that of guessing.

A step along the gradient lowers the loss unless it is too long for the curvature: beyond 2 / sharpness it
overshoots (LeCun et al. 1998, "Efficient BackProp", section 5). A good run may rise for a few steps, to less
than twice its first loss. Behind batch norm the training loss can look well while weights change so fast that
the running statistics, by which images are validated, are those of another network: its validation loss is
many times that of guessing.
"""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.numbers import significant
from skiprun.results.run_log import EPOCH_LOSS, LOSS, Point, RunLog

TIMES = 2.0  # of the loss of guessing: that of training
VAL_TIMES = 5.0  # that of validation, which after an epoch of a good run may be a little above guessing
SEVERAL = 3  # logged losses, of which the median counts: a single one may be a bad batch


@SYMPTOMS.register(
    "rate_too_high",
    looks_for="a learning rate so high that the loss rises first",
    reads=("train/loss",),
    paper="LeCun et al. 1998, 'Efficient BackProp', section 5",
)
def rate_too_high(log: RunLog) -> Symptom | None:
    """The loss was far above its first value for several logged steps, or a whole epoch."""
    losses = log.curve(LOSS)
    if not losses:
        return None
    first = losses[0]
    highest = [
        *((TIMES, point) for point in (*_medians(losses[1:]), *log.curve(EPOCH_LOSS))),
        *((VAL_TIMES, point) for point in log.curve("val/loss")),
    ]
    above = [point for times, point in highest if point.value >= times * log.guessing]
    if not above:
        return None
    worst, lr = max(above, key=lambda point: point.value), log.setting("optim.lr") or 0.1
    return Symptom(
        f"The learning rate is too high: the loss rose from {significant(first.value)} to "
        f"{significant(worst.value)}, which is worse than guessing, instead of falling. Each step jumps "
        "over the valley that it aims at.",
        tuple(dict.fromkeys([first, above[0], worst])),
        f"optim.lr={lr / 10:g}; or schedule.warmup of an epoch or more, so that the first steps are small.",
    )


def _medians(losses: list[Point]) -> list[Point]:
    """Return the middle one of every three losses that follow each other."""
    windows = [losses[number : number + SEVERAL] for number in range(len(losses) - SEVERAL + 1)]
    return [sorted(window, key=lambda point: point.value)[SEVERAL // 2] for window in windows]
