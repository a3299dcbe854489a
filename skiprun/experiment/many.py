"""Train several runs in parallel, each in a process with its own cores.

Two threads on one tiny network gain a quarter; two networks on two cores gain a whole one. Each run is a
process of its own that keeps to its share of the cores; a small network trains to the same bits as alone,
with one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from skiprun.config import Count, RunConfig
from skiprun.errors import counted
from skiprun.experiment.parallel import ProgressFor, in_parallel
from skiprun.experiment.parts import prepare
from skiprun.experiment.plan import Planned
from skiprun.experiment.train import known_data
from skiprun.experiment.worker import train_one
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.machine import cores
from skiprun.system.progress import NullProgress, ProgressCallback
from skiprun.training.device import SMALL_STEP

log = logging.getLogger(__name__)


@checked_arguments
def train_missing(
    planned: Sequence[Planned],
    runs: Path | str,
    progress_for: ProgressFor = lambda _: NullProgress(),
    loading: ProgressCallback | None = None,
    jobs: Count | None = None,
) -> list[Run]:
    """Train what is not there yet, and return all runs in order; one that diverges is a result, not an error.

    Args:
        planned: what the comparison consists of.
        runs: the folder of all runs.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.
        jobs: runs at once; None: one on a GPU, and on a CPU what `num_workers` says.
    """
    runs = Path(runs)
    for item in planned:
        item.refuse_what_is_not_ours()
    missing = {item.label: item.config for item in planned if item.config and item.missing}
    work: dict[str, int] = {}  # of a step, in multiply-adds
    for config in missing.values():  # every refusal comes before the first step
        if config.name not in work:
            parts = prepare(config, loading, accept=known_data(Run.of(runs, config)))
            work[config.name] = parts.cost.macs * config.data.batch_size
    if missing and jobs is None:
        small = max(work.values()) < SMALL_STEP
        jobs = num_workers(missing.values(), small) if parts.setup.device.type == "cpu" else 1
    if missing and min(jobs or 1, len(missing)) > 1:
        jobs = min(jobs or 1, len(missing))
        log.info(f"Training {counted(len(missing), 'run')}, {jobs} at a time.")
        # The largest first, so that no core waits for the last one alone.
        missing = dict(sorted(missing.items(), key=lambda item: -work[item[1].name]))
        in_parallel(missing, runs, jobs, progress_for)
    else:
        for label, config in missing.items():
            train_one(config, runs, progress_for(label))
    return [item.run for item in planned]


def num_workers(configs: Collection[RunConfig], small: bool) -> int:
    """Return how many runs to train at once on a CPU: one a core, or as their threads allow.

    Small ones that fill less than two rounds all begin at once, and the system gives each its turn: three
    runs on two cores take 1.5 times as long as one, where the third alone would make it twice.
    """
    threads = max(config.compute.threads or 1 for config in configs)
    jobs = max(1, len(cores()) // threads)
    return len(configs) if small and threads == 1 < jobs and len(configs) < 2 * jobs else jobs
