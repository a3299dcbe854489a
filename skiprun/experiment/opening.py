"""Open the directory of a run and build what its config names, unless nothing is left to train."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.parts import Parts
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.prepare import prepare
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.experiment.threads import try_threads
from skiprun.run import Run
from skiprun.system.disk import check_writable
from skiprun.system.progress import ProgressCallback
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.cpu_threads import check_threads
from skiprun.training.device import configure_process

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opening:
    """What a run begins with, or goes on with.

    Attributes:
        config: of the run.
        runs: the folder of all runs.
        fresh: delete what is there and start over.
        loading: told of (done, total, what) while data is prepared.
    """

    config: RunConfig
    runs: Path
    fresh: bool = False
    loading: ProgressCallback | None = None

    @property
    def run(self) -> Run:
        """The directory."""
        return Run.of(self.runs, self.config)

    def with_digests(self) -> Opening:
        """Return it with the digests of the plug-ins and of the weights that the config names."""
        return replace(self, config=with_known_weights(with_plugins(self.config), self.runs))

    def open(self, held: contextlib.ExitStack) -> Parts | None:
        """Lock the directory until `held` ends, and return what is trained there; None if that is done."""
        run = self.run
        if not self.fresh:
            run.refuse_another(self.config)
            refuse_other_weights(run, self.config)
            if is_finished(run):
                return None
        check_writable(run.path)
        accept = None if self.fresh else known_data(run)
        if accept is None:
            check_threads(self.config)
        parts = prepare(self.config, self.loading, accept is None, accept)
        notice = held.enter_context(run.lock())
        if self.fresh:
            run.clear()
        elif is_finished(run):  # by the process that held the lock until now
            return None
        Run.create(self.runs, self.config)
        if not Checkpoints(run.checkpoints).last.exists():
            parts = try_threads(parts)
            configure_process(parts.setup)
        if notice:
            log.info(notice)
        return parts

    def prepare_again(self) -> Parts:
        """Build what rank 0 has built, which left the data in the cache."""
        accept = known_data(self.run)
        return prepare(self.config, None, accept is None, accept)


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
