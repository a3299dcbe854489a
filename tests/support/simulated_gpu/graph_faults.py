"""Faults of a captured step, or of what is captured, which a run has to find by itself and go on without."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Thread
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from skiprun.probes.grad_norm import GradNorm
from skiprun.tasks.classification import Classification
from tests.support.simulated_gpu.graph import Graph

replay = Graph.replay


def replay_without_learning(self: Graph) -> None:
    """Leave out what changes the weights."""
    whole = self.tape
    self.tape = [each for each in whole if each.operation is not torch.ops.aten._fused_sgd_.tensor_lr]
    replay(self)
    self.tape = whole


def replay_slowly(self: Graph) -> None:
    """Take a second."""
    replay(self)
    self.gpu.microseconds += 1e6


def in_a_capture(
    owner: type, method: str, happens: Callable[[Tensor], object]
) -> AbstractContextManager[Any]:
    """Let something happen to the result of a method where a step is captured, and nowhere else."""
    whole = getattr(owner, method)

    def spoiled(*args: Any) -> Tensor:
        result: Tensor = whole(*args)
        if torch.cuda.is_current_stream_capturing():
            happens(result)
        return result

    return mock.patch.object(owner, method, spoiled)


def fail(_: Tensor) -> None:
    """Raise what a person's code may raise."""
    raise ValueError("no captures, please")


def look(result: Tensor) -> None:
    """Look at a value."""
    result.sum().item()


def wait_in_a_thread(_: Tensor) -> None:
    """Let a thread wait for the GPU, as the one that writes checkpoints does."""
    before = torch.cuda.Event()
    thread = Thread(target=before.synchronize)
    thread.start()
    thread.join()


GRAPH_FAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "other numbers": lambda: mock.patch.object(Graph, "replay", replay_without_learning),
    "slow": lambda: mock.patch.object(Graph, "replay", replay_slowly),
    "a task that fails": lambda: in_a_capture(Classification, "loss", fail),
    "a probe that fails": lambda: in_a_capture(GradNorm, "read", fail),
    "a task that waits": lambda: in_a_capture(Classification, "loss", look),
    "a probe that waits": lambda: in_a_capture(GradNorm, "read", look),
    "a thread that waits": lambda: in_a_capture(GradNorm, "read", wait_in_a_thread),
}
