"""The GPUs of a machine, and what to call them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.experiment.work import Need
from skiprun.training.gpu import VISIBLE_GPUS


@dataclass(frozen=True)
class GPU:
    """A GPU, or a part of one that is divided (MIG).

    Attributes:
        entry: what CUDA_VISIBLE_DEVICES calls it.
        free: bytes of its memory.
        total: bytes, free or not.
    """

    entry: str
    free: int
    total: int

    @property
    def title(self) -> str:
        """What people call it; of a UUID the first part."""
        uuid = re.match(r"(GPU|MIG)-[0-9a-f]{8}(?=-)", self.entry)
        return uuid[0] if uuid else f"GPU {self.entry}"

    def fits(self, needs: Sequence[Need]) -> int:
        """Return how many runs its free memory holds at a time, whichever these are."""
        return self.free // max(need.on(self.free) for need in needs)


def gigabytes(count: float) -> str:
    """Return a number of bytes in GB."""
    return f"{count / 1e9:.1f}"


def runs_side_by_side() -> bool:
    """Tell whether NVIDIA's Multi-Process Service runs, by which processes compute on a GPU side by side."""
    folder = os.environ.get("CUDA_MPS_PIPE_DIRECTORY") or "/tmp/nvidia-mps"
    return (Path(folder) / "control").exists()


def visible_entries(count: int) -> list[str]:
    """Return what to call each GPU in CUDA_VISIBLE_DEVICES, of which torch counts so many here."""
    given = os.environ.get(VISIBLE_GPUS)
    if given is None:
        return [str(number) for number in range(count)]
    entries = [entry.strip() for entry in given.split(",")]
    # Of the parts of divided GPUs a process sees the first alone, however many are named.
    return entries if count and entries[0].startswith("MIG-") else entries[:count]
