"""Faults that are planted in the training step, each of a kind that a GPU alone would show."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from skiprun.training import optim, trainer
from skiprun.training.acceleration.captured_step import CapturedStep
from skiprun.training.trainer import Trainer
from tests.support.simulated_gpu.graph_faults import GRAPH_FAULTS
from tests.support.simulated_gpu.streams import Stream

Spoil = Callable[[Trainer, Tensor], Tensor]
optimizer_step = Trainer.optimizer_step


def spoiled(spoil: Spoil) -> AbstractContextManager[Any]:
    """Let something happen at the end of each step, which may change what it returns."""

    def step(self: Trainer, *fetched: Tensor, watched: bool) -> Tensor:
        return spoil(self, optimizer_step(self, *fetched, watched=watched))

    return mock.patch.object(Trainer, "optimizer_step", step)


def waits(self: Trainer, metrics: Tensor) -> Tensor:
    """Look at a value."""
    metrics.sum().item()
    return metrics


def rebinds(self: Trainer, metrics: Tensor) -> Tensor:
    """Put a total in other memory than the graph knows."""
    self.totals.loss = self.totals.loss + 0
    return metrics


def copies(self: Trainer, metrics: Tensor) -> Tensor:
    """Bring a number from the host."""
    return metrics + torch.tensor(0.0, device=metrics.device)


def mixes(self: Trainer, metrics: Tensor) -> Tensor:
    """Compute with a tensor that was left on the CPU."""
    return metrics + torch.zeros(1)


class Kept:
    """The place of a result, which the next launch overwrites."""

    def __init__(self, result: Tensor) -> None:
        self.result = result

    def clone(self) -> Tensor:
        """Do not."""
        return self.result


def keeps(self: CapturedStep) -> Any:
    """Launch, and hand out the place of the result."""
    self.graph.replay()
    return Kept(self.result)


def seed_the_cpu_alone(seed: int, step: int) -> None:
    """Forget the generator of the device."""
    torch.default_generator.manual_seed(step)


FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "a learning rate that is a number": lambda: mock.patch.object(
        optim, "put_learning_rate_on", lambda *_: None
    ),
    "a look at a value": lambda: spoiled(waits),
    "a total bound anew": lambda: spoiled(rebinds),
    "a number from the host": lambda: spoiled(copies),
    "a tensor left on the CPU": lambda: spoiled(mixes),
    "a result that is not cloned": lambda: mock.patch.object(CapturedStep, "launch", keeps),
    "streams that do not wait": lambda: mock.patch.object(Stream, "wait_stream", lambda *_: None),
    "a seed for the CPU alone": lambda: mock.patch.object(trainer, "seed_step", seed_the_cpu_alone),
}


def planted(fault: str | None) -> AbstractContextManager[Any]:
    """Return a context in which a fault is planted, or none."""
    return (FAULTS | GRAPH_FAULTS)[fault]() if fault else contextlib.nullcontext()
