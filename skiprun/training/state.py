"""What a checkpoint holds: all that a continued run cannot compute again; older ones lack some of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from skiprun.training.device import Execution
from skiprun.training.seal import DamagedCheckpoint

# What every checkpoint holds, and what a run that goes on needs besides.
REQUIRED_KEYS = {"format": int, "skiprun": str, "model": dict}
RESUME_KEYS = {"config": dict, "data": str, "threads": int, "optimizer": dict, "step": int, "epoch": int}
RESUME_KEYS |= {"totals": dict, "seconds": dict, "best": dict, "final": dict}


class Validation(TypedDict, total=False):
    """The scores of the validation split at a step; empty before the first."""

    step: int
    epoch: float
    val: dict[str, float]


class LogPosition(TypedDict, total=False):
    """How much of metrics.jsonl was written: its length, and its SHA-256."""

    metrics_bytes: int
    metrics_sum: str


# What decides the bits of a step beside the config. One key is a word of Python.
Conditions = TypedDict(
    "Conditions",
    {"torch": str, "threads": int, "pass": Execution, "precision": str, "device": str, "ranks": int},
    total=False,
)


class Checkpoint(LogPosition, Conditions, total=False):
    """last.pt; best.pt has config and weights, and step and scores of the validation that they are from."""

    format: int
    skiprun: str
    config: dict[str, object]
    data: str
    samples: int
    model: dict[str, Tensor]
    ema_model: dict[str, Tensor] | None
    optimizer: StateDict
    step: int
    epoch: int
    validated: int
    totals: dict[str, Tensor]
    seconds: dict[str, float]
    best: Validation
    final: dict[str, dict[str, float]]
    graph: bool | None


def refuse_incomplete(path: Path, state: object, needed: Mapping[str, type]) -> None:
    """Raise CheckpointError unless a state holds what it needs, each of its kind."""
    found = state if isinstance(state, dict) else {}
    if lacking := [key for key, kind in needed.items() if not isinstance(found.get(key), kind)]:
        raise DamagedCheckpoint(f"{path}: damaged, it lacks {', '.join(lacking)}.")


def find_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity; one synchronization for all of them."""
    floating = {
        name: tensor
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel()
    }
    if not floating:
        return None
    finite = torch.stack([tensor.isfinite().all() for tensor in floating.values()]).tolist()
    return next((name for name, good in zip(floating, finite, strict=True) if not good), None)
