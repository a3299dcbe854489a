"""Places: the cores and the GPUs that there are, and the shares of them in which runs are trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from skiprun.config import RunConfig
from skiprun.experiment.gpus import GPU, runs_side_by_side
from skiprun.experiment.shares import Share, shares_of_cores, shares_of_gpus
from skiprun.experiment.work import Choose, Work
from skiprun.training.cpu_threads import SMALL_STEP
from skiprun.training.device import choose_device


@dataclass(frozen=True)
class Places:
    """Where runs can be trained.

    Attributes:
        cores: their numbers.
        gpus: those that torch can compute on, each with its free memory.
        choose: says where a run will be.
    """

    cores: Sequence[int]
    gpus: Sequence[GPU] = ()
    choose: Choose = choose_device

    def shares(self, works: Sequence[Work], jobs: int | None) -> list[Share]:
        """Return a share for each of the runs at once; see `train_missing` for the jobs."""
        if self.gpus and any(work.need for work in works):
            side_by_side = max(len(work.configs) for work in works)
            jobs = jobs and max(1, jobs // side_by_side)
            return shares_of_gpus(self.gpus, self.cores, works, jobs, runs_side_by_side())
        small = max(work.macs for work in works) < SMALL_STEP
        jobs = jobs or self.workers([work.config for work in works], small)
        return shares_of_cores(self.cores, min(jobs, len(works)))

    def workers(self, configs: Collection[RunConfig], small: bool) -> int:
        """Return how many runs to train at once on the cores: one a core, or as their threads allow.

        Small ones that fill less than two rounds all begin at once, and the system gives each its turn: three
        runs on two cores take 1.5 times as long as one, where the third alone would make it twice.
        """
        threads = max(config.compute.threads or 1 for config in configs)
        jobs = max(1, len(self.cores) // threads)
        return len(configs) if small and threads == 1 < jobs and len(configs) < 2 * jobs else jobs
