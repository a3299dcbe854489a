"""What surrounds a training: where it is kept, who watches it, is told of it and stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from skiprun.inference.evaluate import MAX_EVAL_BATCH_SIZE
from skiprun.probes.base import Probe
from skiprun.system.progress import NullProgress, Progress
from skiprun.system.ranks import ALONE, Ranks
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.metrics import MetricsLog


@dataclass(frozen=True)
class Surroundings:
    """What surrounds a training.

    Attributes:
        checkpoints: of the run.
        open_log: opens metrics.jsonl, cut to the given number of bytes.
        probes: look inside in the steps that are logged.
        progress: told of steps and epochs.
        stop_signal: returns the signal that asks to save or to stop, None if there is none.
        ranks: the processes that train the run together; the data gives each its part of a batch.
        evaluation_batch_size: images that are scored at once.
    """

    checkpoints: Checkpoints
    open_log: Callable[[int], MetricsLog]
    probes: Sequence[Probe] = ()
    progress: Progress = field(default_factory=NullProgress)
    stop_signal: Callable[[], int | None] = lambda: None
    ranks: Ranks = ALONE
    evaluation_batch_size: int = MAX_EVAL_BATCH_SIZE
