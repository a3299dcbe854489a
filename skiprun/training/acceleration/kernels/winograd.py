"""3x3 convolution by the Winograd algorithm on a CPU, by winograd.cpp; torch does the matrix products.

In bfloat16 a transformed tile is rounded where the image itself would be; docs/decisions/own-cpu-kernels.md
says what that costs in exactness.
"""

from __future__ import annotations

import ctypes
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from skiprun.training.acceleration.kernels.library import Kernel, to_channels_last
from skiprun.training.device import has_matrix_units

_POINTERS, _SIZES = [ctypes.c_void_p] * 3, [ctypes.c_long] * 5
CONVOLVE = Kernel("winograd", "convolve", [*_POINTERS, *_SIZES, ctypes.c_int])
WEIGHT_GRADIENT = Kernel("winograd", "weight_gradient", [*_POINTERS, *_SIZES])
# Beyond this many at each of the nine places they outgrow the caches, and a direct convolution is as fast.
MAX_WEIGHTS = 512 * 512


class WinogradConv2d(nn.Module):
    """A convolution accepted by `is_supported`."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        """Return y [N, out, H, W] of x [N, in, H, W], in the type of autocast, if that is on, or float32.

        What the kernels cannot take is left to torch, and so is bfloat16 where the processor has matrix
        units.
        """
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        if self._takes(x, dtype):
            return WinogradFunction.apply(to_channels_last(x.to(dtype)), to_channels_last(self.conv.weight))
        return self.conv(x)

    def _takes(self, x: Tensor, dtype: torch.dtype) -> bool:
        weight = self.conv.weight
        return (
            weight.dtype == torch.float32
            and x.dtype in (torch.float32, dtype)
            and CONVOLVE.is_there(dtype)
            and not (dtype == torch.bfloat16 and has_matrix_units())
            and x.shape[1] == weight.shape[1]
            and x.numel() > 0
        )


class WinogradFunction(torch.autograd.Function):
    """The two ways of WinogradConv2d."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        """Return y [N, out, H, W] of x [N, in, H, W] and a weight [out, in, 3, 3]."""
        ctx.save_for_backward(x, weight)
        return _convolve(x, weight, backwards=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the gradients of x and of the weight, each only where it is needed."""
        (x, weight), dy = ctx.saved_tensors, to_channels_last(dy)
        dx, dweight = None, None
        if ctx.needs_input_grad[0]:
            dx = _convolve(dy, weight, backwards=True)
        if ctx.needs_input_grad[1]:
            dweight = torch.empty_like(weight)
            WEIGHT_GRADIENT(x.dtype, x, dy, dweight, *_images(x), *weight.shape[1::-1])
        return dx, dweight


def _convolve(x: Tensor, weight: Tensor, backwards: bool) -> Tensor:
    """Return y [N, out, H, W] of x, or the gradient of x of that of y."""
    out = weight.shape[1 if backwards else 0]
    y = torch.empty(len(x), out, *x.shape[2:], dtype=x.dtype, memory_format=torch.channels_last)
    CONVOLVE(x.dtype, x, weight, y, *_images(x), x.shape[1], out, backwards)
    return y


def _images(x: Tensor) -> tuple[int, int, int]:
    """Return the number of images, their height and their width."""
    return len(x), x.shape[2], x.shape[3]


def is_supported(conv: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Tell whether a layer is a convolution that WinogradConv2d can do, and is faster at."""
    return (
        type(conv) is nn.Conv2d
        and (conv.kernel_size, conv.stride, conv.padding, conv.dilation) == ((3, 3), (1, 1), (1, 1), (1, 1))
        and (conv.groups, conv.bias, conv.padding_mode) == (1, None, "zeros")
        and conv.in_channels % 16 == conv.out_channels % 16 == 0
        and conv.in_channels * conv.out_channels <= MAX_WEIGHTS
        and conv.weight.dtype == torch.float32
    )
