"""The run on the CPU that a run on the GPU is compared with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from skiprun.config import RunConfig
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.training import placing, schedule
from skiprun.training.schedule import set_learning_rate


def train_on_cpu(config: RunConfig, runs: Path, **options: Any) -> Run:
    """Train with a learning rate of float32, as a GPU has it in a tensor: AdamW on a CPU takes all digits."""
    with mock.patch.object(schedule, "set_learning_rate", set_float32_rate):
        return train(config, runs=runs, **options)


def weights_as_on_a_gpu() -> AbstractContextManager[object]:
    """Let networks that are rebuilt have the layout of a GPU, in which sums over weights are ordered."""
    return mock.patch.object(
        placing, "keeps_channels_together", lambda config, _device: config.compute.channels_last
    )


def set_float32_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every group as a tensor of float32 would hold it."""
    set_learning_rate(optimizer, rate)
    for group in optimizer.param_groups:
        group["lr"] = float(np.float32(group["lr"]))
