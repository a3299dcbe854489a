"""Train seeds of an experiment side by side on one GPU, in turns, as branches of one CUDA graph."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.experiment.beside import Beside
from skiprun.experiment.gpus import GPU
from skiprun.experiment.opening import Opening
from skiprun.experiment.train_beside import train_beside
from skiprun.experiment.work import Work
from skiprun.run import Run
from skiprun.system.progress import Progress
from skiprun.system.turns import Turns
from skiprun.training.acceleration.branches import Branches
from skiprun.training.stopping import StopFlag

MOST = 8  # seeds side by side: a step of ResNet-20 leaves a GPU idle for most of the time, a larger one less


def train_side_by_side(
    configs: Mapping[str, RunConfig], runs: Path, progresses: Mapping[str, Progress], until: float = 1.0
) -> list[Run | BaseException]:
    """Train runs to their ends, each to the bits that it has alone; return each, or how it failed.

    Args:
        configs: by label, of one experiment and for one GPU; they differ in the seed.
        runs: the folder of all runs.
        progresses: told of the steps and epochs of each.
        until: the share of each after which it pauses.
    """
    branches = Branches()
    with StopFlag() as stop, told_by_label(configs):
        beside = Beside(len(configs), branches, stop)
        works = [
            partial(train_beside, Opening(config, runs), progresses[label], until, beside=beside)
            for label, config in configs.items()
        ]
        branches.turns = Turns(works, list(configs))
        return branches.turns.run()


@contextmanager
def told_by_label(labels: Collection[str]) -> Iterator[None]:
    """Let what is logged in a turn begin with the label of its run, which is the name of its thread."""

    def name(record: logging.LogRecord) -> bool:
        if record.threadName in labels and "label" not in vars(record):  # several handlers have one record
            vars(record)["label"] = record.threadName
            record.msg, record.args = f"{record.threadName}: {record.getMessage()}", None
        return True

    handlers = logging.getLogger("skiprun").handlers
    for handler in handlers:
        handler.addFilter(name)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(name)


def combine(works: Sequence[Work], gpus: Sequence[GPU], jobs: int | None) -> list[Work]:
    """Return runs, seeds of an experiment combined where one GPU is to train them side by side.

    Args:
        works: the runs.
        gpus: of this machine; with several, seeds are spread over them first.
        jobs: the most runs at once; None: as many as pay and fit.
    """
    experiments: dict[str, list[Work]] = {}
    for work in works:
        experiments.setdefault(work.config.name, []).append(work)
    combined: list[Work] = []
    for seeds in experiments.values():
        size = seeds_a_gpu(seeds, gpus, jobs)
        for first in range(0, len(seeds), size):
            work, *others = seeds[first : first + size]
            beside = {other.label: other.config for other in others}
            need = work.need.times(1 + len(others)) if work.need else None
            combined.append(replace(work, macs=work.macs * (1 + len(others)), need=need, beside=beside))
    return combined


def seeds_a_gpu(seeds: Sequence[Work], gpus: Sequence[GPU], jobs: int | None) -> int:
    """Return how many seeds of an experiment one GPU trains side by side."""
    need = seeds[0].need
    if need is None or not gpus or seeds[0].config.compute.cuda_graph is False:
        return 1
    each = math.ceil(min(len(seeds), jobs or len(seeds)) / len(gpus))
    free = min(gpu.free for gpu in gpus)
    fitting = (count for count in range(min(each, MOST), 1, -1) if need.times(count).on(free) <= free)
    return next(fitting, 1)
