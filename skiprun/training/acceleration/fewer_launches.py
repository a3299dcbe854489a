"""Around the passes of a step on a GPU: one launch where torch makes one for each layer.

In bf16, weights are cast once a step. Batch norms count their batches, each in a kernel of its own: 19 of the
302 kernels of a step of resnet20. The bits stay the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from skiprun.system.torch_internals import BatchNorm
from skiprun.training.acceleration.cast_weights import cast_once, is_plain, layers_to_cast
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.device import DeviceSetup

NORMS = {nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm}


class FewerLaunches:
    """Surrounds forward and backward passes; between steps the network is as it always is.

    Not used on a CPU, where a launch costs nothing; by a compiled pass, which has few kernels; and where
    hooks watch, which may look at a layer's parameters.
    """

    def __init__(self, forward_pass: ForwardPass, setup: DeviceSetup) -> None:
        self.forward_pass, self.on_gpu = forward_pass, setup.device.type == "cuda"
        self.weights = layers_to_cast(forward_pass.model) if setup.precision == "bf16" else []
        self.norms = norms_that_count(forward_pass.model)

    @contextlib.contextmanager
    def __call__(self, watched: bool = False) -> Iterator[None]:
        """Let the passes within launch less; `watched` where hooks watch."""
        if watched or not self.on_gpu or self.forward_pass.execution != "eager":
            yield
            return
        with contextlib.ExitStack() as around:
            if self.weights:
                around.enter_context(cast_once(self.weights, torch.bfloat16))
            if self.norms:
                around.enter_context(counted_on_host(self.norms))
            yield


def norms_that_count(model: nn.Module) -> list[BatchNorm]:
    """Return the batch norms that count their batches and do not compute with the count."""
    norms = [each for each in model.modules() if isinstance(each, BatchNorm) and is_plain(each, NORMS)]
    return [norm for norm in norms if norm.num_batches_tracked is not None and norm.momentum is not None]


@contextlib.contextmanager
def counted_on_host(norms: list[BatchNorm]) -> Iterator[None]:
    """Let batch norms count on the host, and add that to their counters when the passes are made.

    A graph keeps the number that was counted in its capture: every step makes the same passes.
    """
    counters = [norm.num_batches_tracked for norm in norms if norm.num_batches_tracked is not None]
    counted = torch.zeros(len(norms), dtype=torch.int64)
    try:
        for norm, count in zip(norms, counted, strict=True):
            norm.num_batches_tracked = count
        yield
    finally:
        for norm, counter in zip(norms, counters, strict=True):
            norm.num_batches_tracked = counter
    torch._foreach_add_(counters, counted.tolist())
