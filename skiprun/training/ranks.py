"""Join the ranks of a run that torchrun started: gloo between CPUs, NCCL between GPUs (PyTorch's launcher).

What all ranks have to agree on goes through a store of torchrun's agent, where there is nothing to compute:
it outlives each of them.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Literal

import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from skiprun.errors import InputError, counted
from skiprun.system.machine import cores, set_affinity
from skiprun.system.ranks import ALONE, Ranks, rank_of_torchrun
from skiprun.training.process_group import ProcessGroup
from skiprun.training.start_store import start_store

JOIN, STEP = timedelta(minutes=2), timedelta(minutes=10)  # bounds of waits for the others


@contextlib.contextmanager
def joined(device: Literal["auto", "cpu", "cuda"]) -> Iterator[Ranks]:
    """Give the ranks that this process is one of, if torchrun started it: an error of one ends all.

    Args:
        device: `compute.device` of the run.

    Raises:
        InputError: there are more ranks on this machine than GPUs.
    """
    if rank_of_torchrun() is None:
        yield ALONE
        return
    group = join(device)
    with group.as_one():
        yield group


@cache
def join(device: Literal["auto", "cpu", "cuda"]) -> ProcessGroup:
    """Connect with the other ranks, once a process, and take a share of the cores, or a GPU."""
    rank, count, local, beside = (
        int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    )
    mine = cores()[local::beside] or [cores()[local % len(cores())]]
    set_affinity(mine)
    torch.set_num_threads(len(mine))
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if on_gpu:
        if beside > (gpus := torch.cuda.device_count()):
            raise InputError(
                f"torchrun started {counted(beside, 'process')} here, and there are {counted(gpus, 'GPU')}: "
                f"use --nproc-per-node {gpus}, or --set compute.device=cpu."
            )
        torch.cuda.set_device(local)
    by_agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    server = TCPStore(*address, is_master=rank == 0 and not by_agent, timeout=JOIN)
    store = start_store(server, rank, count, JOIN)
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=STEP)
    group = ProcessGroup(store, rank, count)
    atexit.register(group.leave)
    return group
