"""The crew of a Ray cluster, whose machines share the folder of all runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from skiprun.config import RunConfig
from skiprun.errors import InputError, counted
from skiprun.experiment.crew import Call, ProgressFor, list_experiments
from skiprun.experiment.gpus import GPU
from skiprun.experiment.on_ray.cluster import connect
from skiprun.experiment.on_ray.dispatch import Dispatch
from skiprun.experiment.on_ray.followed import Followed
from skiprun.experiment.on_ray.gpus import gpu_share, survey_nodes
from skiprun.experiment.on_ray.task import Errand
from skiprun.experiment.places import Places
from skiprun.experiment.work import Work
from skiprun.experiment.worker import call_of
from skiprun.run import Run
from skiprun.system.machine import cores
from skiprun.training.device import DeviceSetup

log = logging.getLogger(__name__)


class OnRay:
    """Trains on a Ray cluster whose machines share the folder of all runs.

    Args:
        address: see `connect`.
        jobs: runs at once; None: as many as the cluster has cores or GPUs for.
    """

    def __init__(self, address: str, jobs: int | None = None) -> None:
        self.ray: Any = connect(address, jobs)
        self.jobs = jobs

    def look(self, configs: Sequence[RunConfig]) -> Places:
        """Return the GPUs of the cluster, and where its machines would train; without GPUs, as this one."""
        asked = list_experiments(configs)
        on_cpus = all(config.compute.device == "cpu" for config in asked)
        if on_cpus or not self.ray.cluster_resources().get("GPU"):
            return Places(cores())
        seen = survey_nodes(self.ray, asked)
        told = dict(zip((config.name for config in asked), seen[0][0], strict=True))

        def choose(config: RunConfig) -> DeviceSetup:
            setup = told[config.name]
            if isinstance(setup, InputError):
                raise setup
            return setup

        return Places(cores(), [gpu for _, gpus in seen for gpu in gpus], choose)

    def train(self, works: Sequence[Work], places: Places, runs: Path, progress_for: ProgressFor) -> None:
        """Train runs; see `Crew.train`."""
        progresses = {label: Followed(label, progress_for(label)) for work in works for label in work.configs}
        log.info(f"Training {counted(len(progresses), 'run')} on the Ray cluster.")
        errands = [self._errand(work, places.gpus, runs.absolute()) for work in works]
        Dispatch(self.ray, self.jobs).send(errands, progresses, lambda _: None)

    def _errand(self, work: Work, gpus: Sequence[GPU], runs: Path) -> Errand:
        """Return the training of a work; what is foreseen for a GPU is so for the one with the least room."""
        share = gpu_share(work, gpus, self.jobs)
        return Errand(
            call_of(work, runs),
            list(work.configs),
            [Run.of(runs, config).path for config in work.configs.values()],
            work.config.compute.threads or 1,
            share,
            min(gpus, key=lambda gpu: gpu.free) if share else None,
        )

    def call(self, calls: Sequence[Call], done: Callable[[int], None]) -> None:
        """Call functions; see `Crew.call`."""
        Dispatch(self.ray, self.jobs).send([Errand(call) for call in calls], {}, done)
