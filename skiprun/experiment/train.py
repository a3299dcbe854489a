"""Train a config to a finished run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import Overrides
from skiprun.display.anywhere import open_board
from skiprun.experiment.beside import Beside
from skiprun.experiment.ending import early_stop_note, fit
from skiprun.experiment.environment import environment
from skiprun.experiment.make_trainer import logging_to, make_trainer
from skiprun.experiment.named import config_of
from skiprun.experiment.opening import Opening
from skiprun.experiment.parts import Parts
from skiprun.experiment.room import check_room
from skiprun.experiment.shared_run import share
from skiprun.experiment.summary import summarize
from skiprun.run import RUNS, Run
from skiprun.run.documents import Summary
from skiprun.run.image_file import write_arrays
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import NullProgress, Progress, ProgressCallback
from skiprun.system.ranks import Ranks
from skiprun.training.gpu_record import forget_peak
from skiprun.training.ranks import joined
from skiprun.training.stopping import StopFlag
from skiprun.training.views.overlays import write_worst

log = logging.getLogger(__name__)


@checked_arguments
def train(
    config: RunConfig | Mapping[str, object] | Path | str,
    *,
    overrides: Overrides = (),
    runs: Path | str = RUNS,
    fresh: bool = False,
    progress: Progress | bool = False,
    loading: ProgressCallback | None = None,
    profile: bool = False,
    until: float = 1.0,
) -> Run:
    """Train one config to the end, continue it where it stopped, or return it finished.

    A run that pauses is continued by the same call with a larger share, and ends with the bits of one that
    never did.

        run = skiprun.train("configs/smoke.yaml", overrides={"optim.lr": 0.05}, progress=True)
        run.summary()["test"]["error"], run.columns()["train/loss"]

    Args:
        config: a YAML file, what such a file would hold, or an architecture, which is trained on digits.
        overrides: what is changed of it, as `{"optim.lr": 0.05, "seed": 3}`.
        runs: the folder of all runs.
        fresh: delete what is there and start over.
        progress: True shows how far the run is; or somebody who is told of steps and epochs.
        loading: told of (done, total, what) while data is prepared.
        profile: say where the time of a step goes, and write trace.json.
        until: the share of the run after which it pauses, at the next end of an epoch.

    Raises:
        InputError: config, name or data is wrong, and where; nothing was written.
        RunTaken, RunBusy: the directory is that of another experiment, or of a process.
        Diverged: a loss was not finite.
    """
    config, folder = config_of(config, overrides), Path(runs).expanduser()
    if not isinstance(progress, bool):
        return train_beside(Opening(config, folder, fresh, loading), progress, until, profile)
    with open_board(progress) as board:
        opening = Opening(config, folder, fresh, loading or board.loading)
        return train_beside(opening, board.row(f"{config.name} seed {config.seed}"), until, profile)


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
