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
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.room import check_room
from skiprun.experiment.shared_run import share
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.experiment.summary import environment, summarize
from skiprun.experiment.threads import try_threads
from skiprun.run import RUNS, Run
from skiprun.run.documents import Summary
from skiprun.run.image_file import write_arrays
from skiprun.system.arguments import checked_arguments
from skiprun.system.disk import check_writable
from skiprun.system.progress import NullProgress, Progress, ProgressCallback
from skiprun.system.ranks import Ranks
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.device import check_threads, configure_process
from skiprun.training.gpu_record import forget_peak
from skiprun.training.ranks import joined
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
    with joined(config.compute.device) as ranks, contextlib.ExitStack() as held:
        config = with_known_weights(with_plugins(config), runs)
        run, opening = Run.of(runs, config), Opening(config, runs, fresh, loading, held)
        if ranks.once(opening.opens):
            parts = share(opening.parts or prepare_again(run, config), ranks)
            if ranks.rank == 0:
                opening.tell(parts)
            if profile:
                from skiprun.training.profiling import Profiling

                progress = Profiling(progress or NullProgress(), run.path, parts.setup.device)
            with contextlib.nullcontext(beside.stop) if beside else StopFlag() as stop:
                _train(parts, run, progress, stop.listener(), beside, until, ranks)
    return run


class Opening:
    """Opens the directory of a run, and builds what its config names: of several ranks, the first one does.

    Attributes:
        parts: what was built; None before, and on the other ranks.
    """

    def __init__(
        self,
        config: RunConfig,
        runs: Path,
        fresh: bool,
        loading: ProgressCallback | None,
        held: contextlib.ExitStack,
    ) -> None:
        self.config, self.runs, self.fresh, self.loading, self.held = config, runs, fresh, loading, held
        self.parts: Parts | None = None
        self.notice = ""

    def opens(self) -> bool:
        """Tell whether there is something left to train; its directory is locked then, until all is done."""
        run = Run.of(self.runs, self.config)
        if not self.fresh:
            run.refuse_another(self.config)
            refuse_other_weights(run, self.config)
            if is_finished(run):
                return False
        check_writable(run.path)
        accept = None if self.fresh else known_data(run)
        if accept is None:
            check_threads(self.config)
        parts = prepare(self.config, self.loading, accept is None, accept)
        self.notice = self.held.enter_context(run.lock())
        if self.fresh:
            run.clear()
        elif is_finished(run):  # by the process that held the lock until now
            return False
        Run.create(self.runs, self.config)
        if not Checkpoints(run.checkpoints).last.exists():
            parts = try_threads(parts)
            configure_process(parts.setup)
        self.parts = parts
        return True

    def tell(self, parts: Parts) -> None:
        """Say what is trained."""
        for line in filter(None, (self.notice, parts.description, *parts.notes)):
            log.info(line)


def prepare_again(run: Run, config: RunConfig) -> Parts:
    """Build what rank 0 has built, which left the data in the cache."""
    accept = known_data(run)
    return prepare(config, None, accept is None, accept)


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
    images_sum = write_arrays(run.images_file, trainer.images.arrays(), parts.loaders.fingerprint)
    if trainer.images.note:
        log.info(trainer.images.note)
    summary: Summary = {**summarize(parts, trainer, run, test), "images_sum": images_sum}
    ranks.once(lambda: run.finish(summary))
