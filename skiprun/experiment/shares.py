"""Shares of a machine: the cores, and the GPU, that a process which trains has for itself."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.data.residence import plan_for
from skiprun.errors import counted
from skiprun.experiment.gpus import GPU, gigabytes
from skiprun.experiment.work import Need, Work
from skiprun.system.machine import set_affinity
from skiprun.training.gpu import VISIBLE_GPUS

log = logging.getLogger(__name__)
MOST_SIDE_BY_SIDE = 4  # runs of small networks, which leave most of a GPU idle


@dataclass(frozen=True)
class Share:
    """What a process that trains has for itself; a run that is done leaves it to the next.

    Attributes:
        cores: where it may run.
        gpu: what it may see; None: whatever there is, for runs on the CPU.
        runs: how many there are on that GPU at a time.
        place: what people call it, such as the GPU's title; nothing where there is only one.
    """

    cores: Sequence[int]
    gpu: GPU | None = None
    runs: int = 1
    place: str = ""

    def enter(self) -> None:
        """Let this process run on its cores and see its GPU alone, before CUDA begins."""
        set_affinity(list(self.cores))
        if self.gpu:
            os.environ[VISIBLE_GPUS] = self.gpu.entry
            plan_for(self.gpu.free)

    def place_of(self, need: Need | None) -> str:
        """Return where people would say that a run is; one on the CPU may have a share with a GPU."""
        return self.place if need or not self.gpu else ""

    def memory(self, need: Need | None, runs: int = 1) -> str:
        """Say of how much memory a run, or some side by side, was to take how much; nothing without a GPU."""
        if not self.gpu or not need:
            return ""
        free, total = gigabytes(self.gpu.free), gigabytes(self.gpu.total)
        needed = gigabytes(need.on(self.gpu.free))
        whose = "a run" if runs == 1 else f"for {runs} runs"
        numbers = f"{free} of {total} GB were free before, and about {needed} GB {whose} were foreseen."
        if self.runs == 1:
            return f" It had {self.gpu.title} alone: {numbers}"
        others = counted(self.runs - 1, "other run")
        return f" It shared {self.gpu.title} with {others}: {numbers} Try fewer --jobs."


def shares_of_cores(cores: Sequence[int], jobs: int) -> list[Share]:
    """Return a share for each of so many runs at once; more of them than cores have all cores together."""
    return [Share(cores[number::jobs] if jobs <= len(cores) else cores) for number in range(jobs)]


def shares_of_gpus(
    gpus: Sequence[GPU], cores: Sequence[int], works: Sequence[Work], jobs: int | None, side_by_side: bool
) -> list[Share]:
    """Return as many shares as there are runs at once, the GPUs taking turns; memory sets the limit.

    Args:
        gpus: at least one.
        cores: of this machine.
        works: the runs, of which at least one is for a GPU.
        jobs: runs at once; None: one on each GPU, or some more if they compute side by side.
        side_by_side: whether processes on a GPU do that; else they take turns, which gains next to nothing.
    """
    needs = [work.need for work in works if work.need]
    each = jobs or (min(MOST_SIDE_BY_SIDE, max(1, len(cores) // len(gpus))) if side_by_side else 1)
    wanted = min(len(works), jobs or each * len(gpus))
    turns = [gpu for turn in range(each) for gpu in gpus if turn < gpu.fits(needs)][:wanted]
    if not turns or len(turns) < wanted:
        log.info(limit(gpus, needs, len(turns), wanted))
    turns = turns or [max(gpus, key=lambda gpu: gpu.free)]
    return [
        Share(share.cores, gpu, turns.count(gpu), gpu.title if len(gpus) > 1 else "")
        for share, gpu in zip(shares_of_cores(cores, len(turns)), turns, strict=True)
    ]


def limit(gpus: Sequence[GPU], needs: Sequence[Need], fitting: int, wanted: int) -> str:
    """Say how memory limits the runs at once."""
    most = max(need.on(gpu.free) for need in needs for gpu in gpus)
    free = ", ".join(f"{gigabytes(gpu.free)} GB of {gpu.title}" for gpu in gpus)
    end = f"{fitting} at a time, not {wanted}" if fitting else "one is tried at a time"
    return f"A run takes about {gigabytes(most)} GB of a GPU, and free are {free}: {end}."
