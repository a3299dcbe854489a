"""Batch normalization, addition and ReLU as one CPU operation, by norm.cpp."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from skiprun.training.acceleration.kernels.library import TYPES, Kernel, to_channels_last

_POINTER, _SHAPE = ctypes.c_void_p, (ctypes.c_long, ctypes.c_long)
FORWARD = Kernel(
    "norm",
    "forward",
    [*[_POINTER] * 3, *_SHAPE, *[_POINTER] * 5, ctypes.c_float, ctypes.c_float, ctypes.c_int],
)
BACKWARD = Kernel("norm", "backward", [*[_POINTER] * 6, *_SHAPE, *[_POINTER] * 4])


class NormJoinReLU(nn.Module):
    """y = relu(norm(x) + skip) for a batch normalization in training.

    Args:
        norm: has weights and running statistics, which are updated.
        relu: whether the ReLU is there.
        copies: how many users y has, if 2: each is given its own, and what flows back from both is added on
            the way.
    """

    def __init__(self, norm: nn.BatchNorm2d, relu: bool, copies: int = 1) -> None:
        super().__init__()
        self.norm, self.relu, self.copies = norm, relu, copies

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Return y, or two of it.

        Args:
            x: [N, C, H, W], of float32 or bfloat16; what the kernels cannot take is left to torch.
            skip: like x; None adds nothing.
        """
        norm = self.norm
        if (
            x.dtype not in TYPES
            or norm.weight.dtype != torch.float32
            or (skip is not None and (skip.dtype, skip.shape) != (x.dtype, x.shape))
            or x.numel() <= x.shape[1]
        ):
            y = norm(x) if skip is None else norm(x) + skip
            y = F.relu(y) if self.relu else y
            return y if self.copies == 1 else (y, y)
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        running = (norm.running_mean, norm.running_var, norm.momentum, norm.eps)
        return NormJoinReLUFunction.apply(
            to_channels_last(x),
            skip if skip is None else to_channels_last(skip),
            norm.weight,
            norm.bias,
            running,
            self,
        )


class NormJoinReLUFunction(torch.autograd.Function):
    """The two ways of NormJoinReLU; `running` is (mean, variance, momentum, eps) of its norm."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        skip: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        running: tuple,
        of: NormJoinReLU,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return y [N, C, H, W], once or twice, of x and a skip of its shape, if any."""
        y, statistics = torch.empty_like(x), torch.empty(2, x.shape[1])
        mean, variance, *numbers = running
        FORWARD(x.dtype, x, skip, y, *_shape(x), weight, bias, mean, variance, statistics, *numbers, of.relu)
        ctx.save_for_backward(x, y if of.relu else None, weight, statistics)
        ctx.joins = skip is not None
        ctx.set_materialize_grads(False)
        return y if of.copies == 1 else (y, y.view_as(y))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, skip, weight and bias, and None for the rest."""
        x, y, weight, statistics = ctx.saved_tensors
        dy, dy2, *_ = [*(to_channels_last(gradient) for gradient in gradients if gradient is not None), None]
        assert dy is not None
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        changed = y is not None or dy2 is not None  # otherwise dy itself is the gradient of skip
        dskip = torch.empty_like(x) if ctx.joins and changed else None
        BACKWARD(x.dtype, x, y, dy, dy2, dx, dskip, *_shape(x), weight, statistics, dweight, dbias)
        return dx, dskip if changed or not ctx.joins else dy, dweight, dbias, None, None


def _shape(x: Tensor) -> tuple[int, int]:
    """Return the rows and the channels of an image in memory."""
    return x.numel() // x.shape[1], x.shape[1]
