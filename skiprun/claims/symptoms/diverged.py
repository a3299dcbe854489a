"""Symptom: the training diverged, as its loss or a gradient became infinite or no number at all."""

from __future__ import annotations

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import LOSS, RunLog


@SYMPTOMS.register(
    "diverged", looks_for="a loss or a gradient that became infinite, or no number", reads=("train/",)
)
def diverged(log: RunLog) -> Symptom | None:
    """The training stopped as a value was no finite number any more."""
    if log.record.state != "diverged":
        return None
    losses = log.curve(LOSS)
    lr = log.setting("optim.lr") or 0.1
    before = f"; the last good loss was {losses[-1].value:.3g}" if losses else ""
    return Symptom(
        f"The training broke off: a number grew beyond what a computer can hold{before}.",
        (*losses[-1:], *log.curve("lr")[-1:]),
        f"optim.lr ten times smaller ({lr / 10:g}), then schedule.warmup of an epoch or more, or "
        "optim.clip_norm=1. A network without normalization needs the smallest rate.",
    )
