"""What every symptom keeps: silence where all is well, and where nothing was measured."""

from __future__ import annotations

from pathlib import Path

from skiprun.experiment.contracts.contract import Subject, contract, require
from skiprun.results.records import RunRecord
from skiprun.results.run_log import RunLog
from skiprun.run import Run
from skiprun.system.documents import Row

STEPS, EPOCHS = 40, 20  # logged steps, and epochs of ten steps
RECORD = RunRecord(Run(Path("healthy/seed-0")), "finished", summary={"data.num_classes": 10})


def at_step(number: int) -> Row:
    """Return a logged row of a healthy run: a loss that falls to nothing early, an even gradient."""
    loss = 2.3 * 0.8**number
    norms = {"grad/total": 1.0, "grad/first": 0.2, "grad/last": 0.2, "grad/first_over_last": 1.0}
    layers = {"grad_norm/01.conv1": 0.2, "grad_norm/02.fc": 0.2, "activation_dead/02.fc": 0.05}
    return {"step": 5 * number, "epoch": 0, "train/loss": loss, "lr": 0.1, **norms, **layers}


def at_end(number: int) -> Row:
    """Return the row at the end of an epoch of a healthy run."""
    left = 0.5 ** (number + 1)
    scores = {"train/epoch_loss": 2 * left, "train/error": 80 * left, "val/loss": 0.1 + 2 * left}
    speed = {"time/epoch_s": 1.0, "time/images_per_s": 1000.0, "grad/clipped_fraction": 0.1}
    place = {"step": 10 * (number + 1), "epoch": number + 1, "epoch_end": True}
    return {**place, **scores, "val/error": 1.0, **speed}


@contract("symptom")
def describes_itself(subject: Subject) -> None:
    """It says what it looks for, and which tags show it."""
    require(subject.entry.info.looks_for, "register(..., looks_for=...) is empty")
    require(subject.entry.info.reads, "register(..., reads=...) names no tag")


@contract("symptom")
def is_silent_where_all_is_well(subject: Subject) -> None:
    """It returns None of a healthy run."""
    log = RunLog(RECORD, [*map(at_end, range(EPOCHS))], [*map(at_step, range(STEPS))])
    seen = subject.entry.target(log)
    require(seen is None, f"it sees something: {seen and seen.sentence}")


@contract("symptom")
def is_silent_where_nothing_was_measured(subject: Subject) -> None:
    """It returns None of an empty log, and of one that lacks every tag but the loss."""
    rows = [{"step": 5 * number, "epoch": 0, "train/loss": 2.3 * 0.8**number} for number in range(STEPS)]
    for log in (RunLog(RECORD), RunLog(RECORD, (), rows)):
        seen = subject.entry.target(log)
        require(seen is None, f"it sees something: {seen and seen.sentence}")
