"""Batch normalization over the images of all ranks, as one process with the whole batch would compute it.

On GPUs it is torch's own, `nn.SyncBatchNorm`, which refuses CPUs; on these, the one here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from skiprun.system.ranks import Ranks
from skiprun.tasks.base import at_least_float32


def synchronize_batch_norms(model: nn.Module, device: torch.device) -> int:
    """Let the batch norms of a network see all ranks in training, and return how many they are.

    The classes alone change: state dict and copies stay those of a batch norm. Frozen ones are left.
    """
    norms = [each for each in model.modules() if type(each) is nn.BatchNorm2d]
    for norm in norms:
        if device.type == "cuda":
            norm.__class__ = nn.SyncBatchNorm  # type: ignore[assignment]
            norm.process_group = None  # type: ignore[assignment]
        else:
            norm.__class__ = SynchronizedBatchNorm2d
    return len(norms)


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose mean and variance are those of all ranks' images."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what it normalized, [N, C, H, W] as x; N images a rank."""
        if not self.training:
            return super().forward(x)
        mean, variance, size = moments(x.detach())
        with torch.no_grad():
            self._move_statistics(mean, variance * (size / (size - 1)))
        scale = (variance + self.eps).rsqrt()
        return Normalize.apply(x, self.weight, self.bias, mean, scale, size)

    def _move_statistics(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


@torch.no_grad()
def take_statistics(models: Iterable[nn.Module], ranks: Ranks) -> None:
    """Let networks have the buffers that they have on rank 0, where batch norms see a rank's images alone."""
    buffers = [buffer for model in models for buffer in model.buffers()]
    of_first = ranks.once(lambda: [buffer.cpu() for buffer in buffers])
    for buffer, value in zip(buffers, of_first, strict=True):
        buffer.copy_(value)


def moments(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Return mean [C], variance [C], float64, and number of the values of each channel, over all ranks.

    The variance is of deviations from the common mean: of sums of squares, digits would cancel out. Sums are
    in float64, as in torch's own batch norm on a CPU, but where channels are last: there it sums in float32.
    """
    x = at_least_float32(x)
    size = x.numel() // x.shape[1] * dist.get_world_size()
    mean = total(x) / size
    return mean, total((x - over_pixels(mean, x)).square()) / size, size


def total(x: Tensor) -> Tensor:
    """Return the sum of each channel [C] over the images of all ranks, float64."""
    found = x.sum((0, 2, 3), dtype=torch.float64)
    dist.all_reduce(found)
    return found


def over_pixels(values: Tensor, x: Tensor) -> Tensor:
    """Return a value for each channel [C] so that it is for each pixel of x, in x's precision."""
    return values.to(at_least_float32(x[:0]).dtype)[:, None, None]


class Normalize(torch.autograd.Function):
    """y = (x - mean) * scale * weight + bias; mean and scale, 1 / sqrt(variance + eps), are of all ranks."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        scale: Tensor,
        size: int,
    ) -> Tensor:
        """Return y."""
        ctx.save_for_backward(x, weight, mean, scale)
        ctx.size = size
        y = (x - over_pixels(mean, x)) * over_pixels(scale, x)
        if weight is not None and bias is not None:
            y = y * weight[:, None, None] + bias[:, None, None]
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, weight and bias (Ioffe and Szegedy 2015, section 3)."""
        x, weight, mean, scale = ctx.saved_tensors
        of_y = at_least_float32(gradients[0])
        normalized = (x - over_pixels(mean, x)) * over_pixels(scale, x)
        sums = [each.sum((0, 2, 3), dtype=torch.float64) for each in (of_y, of_y * normalized)]
        of_bias, of_weight = (each.to(of_y.dtype) for each in sums)
        means = torch.stack(sums)
        dist.all_reduce(means)
        of_constant, of_slope = (over_pixels(each, x) for each in means / ctx.size)
        of_x = (of_y - of_constant - normalized * of_slope) * over_pixels(scale, x)
        if weight is None:
            return of_x.to(x.dtype), None, None, None, None, None
        of_x = of_x * weight[:, None, None]
        return of_x.to(x.dtype), of_weight, of_bias, None, None, None
