"""Train an opened run to its end or its pause, alone or beside others of this process."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from skiprun.experiment.beside import Beside
from skiprun.experiment.ending import early_stop_note, fit
from skiprun.experiment.environment import environment
from skiprun.experiment.make_trainer import logging_to, make_trainer
from skiprun.experiment.opening import Opening
from skiprun.experiment.parts import Parts
from skiprun.experiment.room import check_room
from skiprun.experiment.shared_run import share
from skiprun.experiment.summary import summarize
from skiprun.run import Run
from skiprun.run.documents import Summary
from skiprun.run.image_file import write_arrays
from skiprun.system.progress import NullProgress, Progress
from skiprun.system.ranks import Ranks
from skiprun.training.gpu_record import forget_peak
from skiprun.training.ranks import joined
from skiprun.training.stopping import StopFlag
from skiprun.training.views.overlays import write_worst

log = logging.getLogger(__name__)


def train_beside(
    opening: Opening,
    progress: Progress | None = None,
    until: float = 1.0,
    profile: bool = False,
    beside: Beside | None = None,
) -> Run:
    """Train a run that may share some of its process with others; see `train`.

    Args:
        opening: what it begins with.
        progress: told of steps and epochs.
        until: the share of the run after which it pauses.
        profile: say where the time of a step goes.
        beside: what it shares with other runs of this process; None: it is alone.
    """
    parts: Parts | None = None

    def opens() -> bool:
        nonlocal parts
        parts = opening.open(held)
        return parts is not None

    with joined(opening.config.compute.device) as ranks, contextlib.ExitStack() as held:
        opening = opening.with_digests()
        run = opening.run
        if ranks.once(opens):
            parts = share(parts or opening.prepare_again(), ranks)
            if ranks.rank == 0:
                for line in (parts.description, *parts.notes):
                    log.info(line)
            if profile:
                from skiprun.training.profiling import Profiling

                progress = Profiling(progress or NullProgress(), run.path, parts.setup.device)
            with contextlib.nullcontext(beside.stop) if beside else StopFlag() as stop:
                _train(parts, run, progress, stop.listener(), beside, until, ranks)
    return run


def _train(
    parts: Parts,
    run: Run,
    progress: Progress | None,
    stop_signal: Callable[[], int | None],
    beside: Beside | None,
    until: float,
    ranks: Ranks,
) -> None:
    """Train in a locked run directory, which rank 0 writes."""
    forget_peak(parts.setup.device)
    branches = beside.branches if beside else None
    if ranks.rank:
        trainer = make_trainer(parts, run.checkpoints, None, None, stop_signal, branches, ranks)
        trainer.load_checkpoint()
        if trainer.fit(until) is not None:
            ranks.once(lambda: None)  # the summary is there
        return
    begun = run.environment_file.exists()
    run.record_environment(environment(parts, beside.runs if beside else 1, ranks.count))
    run.record_status("unfinished", 0)
    check_room(parts, run.path)
    open_log = logging_to(run, parts)
    trainer = make_trainer(parts, run.checkpoints, open_log, progress, stop_signal, branches, ranks)
    trainer.load_checkpoint()
    for line in trainer.notes:
        log.info(line)
    if trainer.step:
        log.info(f"Continuing after step {trainer.step} of {trainer.steps}.")
    elif begun:
        log.info("The run was begun before, but has no checkpoint yet; starting at step 0.")
    if (test := fit(trainer, run, until)) is None:
        return
    if trainer.stopped_early:
        log.info(early_stop_note(trainer))
    of_each_image = trainer.images.arrays()
    images_sum = write_arrays(run.images_file, of_each_image, parts.loaders.fingerprint)
    if parts.loaders.task == "segmentation" and parts.config.log.tensorboard:
        scores = of_each_image[parts.task.score_name]
        write_worst(run.overlays, trainer.eval_model, parts.loaders, scores, parts.setup)
    if trainer.images.note:
        log.info(trainer.images.note)
    summary: Summary = {**summarize(parts, trainer, run, test), "images_sum": images_sum}
    ranks.once(lambda: run.finish(summary))
