"""Train a config to a finished run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import build_config, load_config
from skiprun.experiment.beside import Beside
from skiprun.experiment.ending import fit
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.make_trainer import logging_to, make_trainer
from skiprun.experiment.parts import Parts, prepare
from skiprun.experiment.room import check_room
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.experiment.summary import environment, summarize
from skiprun.experiment.threads import try_threads
from skiprun.run import RUNS, Run
from skiprun.run.image_file import write_arrays
from skiprun.system.arguments import checked_arguments
from skiprun.system.disk import check_writable
from skiprun.system.progress import NullProgress, Progress, ProgressCallback
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.device import check_threads, configure_process
from skiprun.training.gpu_record import forget_peak
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)


@checked_arguments
def train(
    config: RunConfig | Mapping[str, object] | Path | str,
    *,
    runs: Path | str = RUNS,
    fresh: bool = False,
    progress: Progress | None = None,
    loading: ProgressCallback | None = None,
    profile: bool = False,
    beside: Beside | None = None,
    until: float = 1.0,
) -> Run:
    """Train one config to the end, continue it where it stopped, or return it finished.

    A run that pauses is continued by the same call with a larger share, and ends with the bits of one that
    never did.

    Args:
        config: a RunConfig, a YAML file, or what such a file would hold.
        runs: the folder of all runs.
        fresh: delete what is there and start over.
        progress: told of steps and epochs.
        loading: told of (done, total, what) while data is prepared.
        profile: say where the time of a step goes, and write trace.json.
        beside: what it shares with other runs of this process; None: it is alone.
        until: the share of the run after which it pauses, at the next end of an epoch.
    """
    if isinstance(config, Mapping):
        config = build_config(dict(config))
    config = config if isinstance(config, RunConfig) else load_config(config)
    runs = Path(runs).expanduser()
    config = with_known_weights(config, runs)
    run = Run.of(runs, config)
    if not fresh:
        run.refuse_another(config)
        refuse_other_weights(run, config)
        if is_finished(run):
            return run
    check_writable(run.path)
    accept = None if fresh else known_data(run)
    if accept is None:
        check_threads(config)
    parts = prepare(config, loading, accept is None, accept)
    with run.lock() as notice:
        if fresh:
            run.clear()
        elif is_finished(run):  # by the process that held the lock until now
            return run
        run = Run.create(runs, config)
        if not Checkpoints(run.checkpoints).last.exists():
            parts = try_threads(parts)
            configure_process(parts.setup)
        for line in filter(None, (notice, parts.description, *parts.notes)):
            log.info(line)
        if profile:
            from skiprun.training.profiling import Profiling

            progress = Profiling(progress or NullProgress(), run.path, parts.setup.device)
        with contextlib.nullcontext(beside.stop) if beside else StopFlag() as stop:
            _train(parts, run, progress, stop.listener(), beside, until)
    return run


def known_data(run: Run) -> KnownData | None:
    """Return who looks at the data of a run that goes on; None for one that begins."""
    if not Checkpoints(run.checkpoints).last.exists():
        return None
    return KnownData(run, way_out="start over with `skiprun train --fresh`")


def is_finished(run: Run) -> bool:
    """Tell whether a run is done, and say so; a summary that is damaged is told instead."""
    if not run.summary_file.exists():
        return False
    run.summary()
    log.info(f"{run.path} is finished already.")
    return True


def _train(
    parts: Parts,
    run: Run,
    progress: Progress | None,
    stop_signal: Callable[[], int | None],
    beside: Beside | None,
    until: float,
) -> None:
    """Train in a locked run directory."""
    begun = run.environment_file.exists()
    forget_peak(parts.setup.device)
    run.record_environment(environment(parts, beside.runs if beside else 1))
    run.record_status("unfinished", 0)
    check_room(parts, run.path)
    branches = beside.branches if beside else None
    trainer = make_trainer(parts, run.checkpoints, logging_to(run, parts), progress, stop_signal, branches)
    trainer.load_checkpoint()
    for line in trainer.notes:
        log.info(line)
    if trainer.step:
        log.info(f"Continuing after step {trainer.step} of {trainer.steps}.")
    elif begun:
        log.info("The run was begun before, but has no checkpoint yet; starting at step 0.")
    if (test := fit(trainer, run, until)) is None:
        return
    images_sum = write_arrays(run.images_file, trainer.images.arrays(), parts.loaders.fingerprint)
    if trainer.images.note:
        log.info(trainer.images.note)
    run.finish({**summarize(parts, trainer, run, test), "images_sum": images_sum})
