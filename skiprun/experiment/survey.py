"""Look at the GPUs of this machine from processes of their own.

Asking CUDA anything takes memory on a GPU for as long as the process lives, and fixes which GPUs it sees. The
process that starts the others asks nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from skiprun.config import RunConfig
from skiprun.errors import InputError, SkiprunError
from skiprun.experiment.gpus import GPU, visible_entries
from skiprun.experiment.places import Places
from skiprun.system.machine import cores
from skiprun.system.processes import cause_of_death, exit_with_parent, ready
from skiprun.training.device import DeviceSetup, choose_device
from skiprun.training.gpu import VISIBLE_GPUS, is_gpu_build, refuse_without_kernels, sees_gpu

log = logging.getLogger(__name__)
Given = TypeVar("Given")
Found = TypeVar("Found")


def survey(configs: Sequence[RunConfig]) -> Places:
    """Return the cores and the GPUs of this machine, and where each run will be, as `choose_device` says.

    Args:
        configs: one of each name.
    """
    if not is_gpu_build() or all(config.compute.device == "cpu" for config in configs):
        return Places(cores())
    [(count, answers)] = in_fresh_processes(ask_torch, [list(configs)])
    told = dict(zip((config.name for config in configs), answers, strict=True))
    found = in_fresh_processes(look_at, visible_entries(count))

    def choose(config: RunConfig) -> DeviceSetup:
        setup = told[config.name]
        if isinstance(setup, InputError):
            raise setup
        return setup

    return Places(cores(), usable(found), choose)


def usable(found: Sequence[GPU | SkiprunError]) -> list[GPU]:
    """Return the GPUs among what was found, and say why others are left out; if all are, that is raised."""
    gpus = [each for each in found if isinstance(each, GPU)]
    for problem in found:
        if isinstance(problem, SkiprunError):
            if not gpus:
                raise problem
            log.warning(f"Left out: {problem}")
    return gpus


def ask_torch(configs: Sequence[RunConfig]) -> tuple[int, list[DeviceSetup | InputError]]:
    """Return how many GPUs torch counts, and where each run will be, or why it is refused."""
    logging.disable()  # the process that trains says the same
    answers: list[DeviceSetup | InputError] = []
    for config in configs:
        try:
            answers.append(choose_device(config))
        except InputError as error:
            answers.append(InputError(str(error)))
    return (torch.cuda.device_count() if sees_gpu() else 0), answers


def look_at(entry: str) -> GPU | SkiprunError:
    """Return a GPU with its memory as this process finds it, which has a little of it; or what is wrong."""
    os.environ[VISIBLE_GPUS] = entry
    title = GPU(entry, 0, 0).title
    try:
        refuse_without_kernels(torch.device("cuda"))
        return GPU(entry, *torch.cuda.mem_get_info())
    except InputError as error:
        return InputError(f"{title}: {error}")
    except RuntimeError as error:  # full, or broken
        return SkiprunError(f"{title}: {str(error).splitlines()[0]}")


def in_fresh_processes(function: Callable[[Given], Found], inputs: Sequence[Given]) -> list[Found]:
    """Return what a function returns for each input, called in a process that has done nothing else."""
    with contextlib.ExitStack() as stack:
        pools = [stack.enter_context(ProcessPoolExecutor(1, ready(), exit_with_parent)) for _ in inputs]
        futures = [pool.submit(function, each) for pool, each in zip(pools, inputs, strict=True)]
        processes = [process for pool in pools for process in pool._processes.values()]
    try:
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise SkiprunError(cause_of_death({process.exitcode for process in processes})) from None
