"""Lesson 4: shortcuts where the shapes of x and f(x) differ."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from skiprun.claims.quantity import Quantity, below, near
from skiprun.lessons.exercises import exact, exactly, exercise
from skiprun.lessons.residual_block import count_parameters, max_abs
from skiprun.models import build_model
from skiprun.models.layers.shortcut import make_shortcut

X = (2, 16, 32, 32)
F_OF_X = (2, 32, 16, 16)
WEIGHTS = 16 * 32


@exercise("4.1")
def projection(answer: nn.Module) -> list[Quantity]:
    """Make x as large as f(x) by a projection.

    W_s x is a 1x1 convolution with the stride of the branch: 16 x 32 weights, no bias, no activation (He
    et al. 2015, equation 2), so the shortcut stays linear.
    """
    x = torch.randn(X)
    y = answer(x)
    return [
        *shape(y),
        exactly("weights", count_parameters(answer), WEIGHTS),
        exact("2 W x - W (2 x)", max_abs(2 * y - answer(2 * x)), below(1e-4)),
    ]


@exercise("4.2")
def option_a(answer: Callable[[Tensor], Tensor]) -> list[Quantity]:
    """Do so without weights.

    Option A takes every second pixel and appends channels of zeros, which needs no weights (He et al.
    2015, section 3.3); so plain and residual networks keep the same number of them.
    """
    x, theirs = torch.randn(X), make_shortcut("A", 16, 32, 2, None)
    assert theirs is not None
    y = answer(x)
    found = [*shape(y)]
    same = tuple(y.shape) == F_OF_X
    difference = max_abs(y - theirs(x)) if same else float("nan")
    return [*found, exact("largest difference from option A", difference, below(1e-6))]


@exercise("4.3")
def option_b(answer: int) -> list[Quantity]:
    """Count the weights of the projections in resnet20.

    Two of the nine blocks change the shape: 16 x 32 + 32 x 64 weights, and two numbers a channel for the
    batch norm behind each projection (He et al. 2015, section 4.1, option B).
    """
    a, b = (count_parameters(build_model("resnet20", shortcut=kind)) for kind in "AB")
    return [exactly("parameters of option B beyond those of option A", answer, b - a)]


@exercise("4.4")
def pixels_read(answer: float) -> list[Quantity]:
    """Say how much of x a projection of stride 2 reads.

    A 1x1 window that moves by 2 in both directions stands on one pixel of four; the projection "ignores
    three-quarters of the input" (He, T. et al. 2019, section 4.2).
    """
    truth = share_read(nn.Conv2d(16, 32, 1, stride=2, bias=False))
    return [exact("share of the pixels of x that W x depends on", answer, near(truth, 0.001))]


@exercise("4.5")
def reads_all(answer: nn.Module) -> list[Quantity]:
    """Make a projection that reads all of x.

    The mean over 2x2 pixels first, then a 1x1 convolution of stride 1: the shape and the weights stay,
    and all pixels count (He, T. et al. 2019, ResNet-D).
    """
    return [
        *shape(answer(torch.randn(X))),
        exactly("weights", count_parameters(answer), WEIGHTS),
        exact("share of the pixels of x that it depends on", share_read(answer), near(1, 0.001)),
    ]


def shape(y: Tensor) -> list[Quantity]:
    """Return channels, height and width beside those of f(x)."""
    names = ("channels", "height", "width")
    return [exactly(name, y.shape[axis], F_OF_X[axis]) for axis, name in enumerate(names, 1)]


def share_read(module: nn.Module) -> float:
    """Return the share of the pixels of x that have an influence on the result."""
    x = torch.randn(X, requires_grad=True)
    module(x).square().sum().backward()
    assert x.grad is not None
    return (x.grad.abs().sum(1) > 0).double().mean().item()
