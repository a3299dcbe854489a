"""The GPUs of a cluster, and the share of one that a run takes."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from types import ModuleType

import torch

from skiprun.config import RunConfig
from skiprun.errors import InputError
from skiprun.experiment.gpus import GPU
from skiprun.experiment.survey import ask_torch
from skiprun.experiment.work import Work
from skiprun.training.device import DeviceSetup
from skiprun.training.gpu import VISIBLE_GPUS

Seen = tuple[list[DeviceSetup | InputError], list[GPU]]


def look_around(configs: Sequence[RunConfig]) -> Seen:
    """Return where a worker's machine would train each run, and its GPUs, also those that others have."""
    os.environ.pop(VISIBLE_GPUS, None)
    count, answers = ask_torch(configs)
    return answers, [GPU(str(number), *torch.cuda.mem_get_info(number)) for number in range(count)]


def survey_nodes(ray: ModuleType, configs: Sequence[RunConfig]) -> list[Seen]:
    """Return what each machine with GPUs sees, from a process that ends at once."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0, max_calls=1)(look_around)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU")]
    there = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    return ray.get([look.options(scheduling_strategy=each).remote(configs) for each in there])


def gpu_share(work: Work, gpus: Sequence[GPU], jobs: int | None) -> float:
    """Return the share of a GPU that a run takes: one of as many as are asked for and as its need fits.

    Args:
        work: a run, or several side by side in one process.
        gpus: of the cluster; the smallest must have room, as Ray knows no sizes.
        jobs: runs at once; None: one process on each GPU.
    """
    if not gpus or work.need is None:
        return 0.0
    asked = math.ceil(jobs / len(work.configs) / len(gpus)) if jobs else 1
    return 1 / max(1, min(asked, *(gpu.fits([work.need]) for gpu in gpus)))
