"""What a checkpoint holds: all that a continued run cannot compute again; older ones lack some of it."""

from __future__ import annotations

from typing import TypedDict

from torch import Tensor
from torch.optim.optimizer import StateDict

from skiprun.training.device import Execution


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
    {"torch": str, "threads": int, "pass": Execution, "precision": str, "device": str},
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
