"""Symptom: the schedule ended while the network was still learning.

In the last quarter the loss fell by a tenth of that of guessing. Of a run that is done the last quarter
brings a few hundredths: with a rate that falls to nothing, all is settled before.
"""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import LOSS, RunLog, mean, part

SHARE = 0.1
FEWEST = 8  # logged losses, or a quarter of them says nothing


@SYMPTOMS.register(
    "too_short", looks_for="a training that ends while it is still learning", reads=("train/loss",)
)
def too_short(log: RunLog) -> Symptom | None:
    """The loss was still falling fast when the schedule ended."""
    losses = log.curve(LOSS)
    if not log.record.finished or len(losses) < FEWEST:
        return None
    before, last = part(losses, 0.625, 0.75), part(losses, 0.875)
    fell = mean(before) - mean(last)
    if fell < SHARE * log.guessing:
        return None
    patient = "a larger schedule.patience, as the run stopped early; or " if log.record.stopped_early else ""
    return Symptom(
        f"The training ended too early: in its last quarter the loss still fell by {fell:.2g}, to "
        f"{mean(last):.3g}.",
        (before[-1], losses[-1]),
        f"{patient}twice as many epochs: `skiprun resume {log.record.run.name} --epochs N` goes on.",
    )
