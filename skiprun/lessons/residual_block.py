"""Lesson 1: a residual block, built by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.claims.quantity import Quantity, above, below, near
from skiprun.connections import Site
from skiprun.connections.add import Add
from skiprun.lessons.exercises import exact, exactly, exercise
from skiprun.models import build_model
from skiprun.models.layers.block import BasicBlock, connection_maker

SAME = below(1e-5)
IDENTITIES = 7  # of the nine blocks of resnet20, two change the shape


@exercise("1.1")
def addition(answer: Callable[[Site], nn.Module]) -> list[Quantity]:
    """Write y = x + f(x) as a connection.

    In y = x + f(x) the derivative of y by x is 1 plus that of f, so the gradient of a block reaches x
    whole, whatever f does to it (He et al. 2016, equation 5).
    """
    x, fx = (torch.randn(2, 8, 4, 4, requires_grad=True) for _ in range(2))
    y = answer(Site(8, 8, 0, 1))(x, fx)
    y.sum().backward()
    return [
        exact("largest difference of y from x + f(x)", max_abs(y - (x + fx)), SAME),
        exact("derivative of y by x", mean_gradient(x), near(1, 1e-5)),
        exact("derivative of y by f(x)", mean_gradient(fx), near(1, 1e-5)),
    ]


@exercise("1.2")
def he_block(answer: Callable[[int], nn.Module]) -> list[Quantity]:
    """Build He's block of two convolutions.

    The last ReLU comes after the sum, y = relu(x + f(x)) (He et al. 2015, section 3.2 and figure 2): one
    before it would let f only add, and nothing below zero leaves the block.
    """
    own = answer(8)
    theirs = BasicBlock(8, 8, make_connection=connection_maker(Add, 1), shortcut="A")
    for parameter in own.parameters():
        nn.init.normal_(parameter)
    if missing := set(theirs.state_dict()) ^ set(own.state_dict()):
        raise ValueError(
            f"call the layers conv1, bn1, conv2, bn2, without bias: see {', '.join(sorted(missing))}"
        )
    theirs.load_state_dict(own.state_dict())
    x = torch.randn(4, 8, 6, 6)
    y, expected = own(x), theirs(x)
    return [
        exact("lowest value of y", y.min().item(), above(-1e-6)),
        exact("largest difference from He's block with the same weights", max_abs(y - expected), SAME),
    ]


@exercise("1.3")
def added_parameters(answer: int) -> list[Quantity]:
    """Count what the shortcuts of resnet20 weigh.

    The shortcut is the identity and has no weights: "neither extra parameter nor computation complexity"
    (He et al. 2015, section 3.2). So plain and residual networks can be compared fairly.
    """
    sizes = [count_parameters(build_model(name)) for name in ("resnet20", "plain20")]
    return [exactly("parameters of resnet20 beyond those of plain20", answer, sizes[0] - sizes[1])]


@exercise("1.4")
def zero_init(answer: Callable[[nn.Module], Any]) -> list[Quantity]:
    """Begin every block as the identity.

    With the scale of its last batch norm at 0, f(x) is 0 and the block is the identity, so a deep network
    begins as a shallow one, and the scale itself gets a gradient, so f can grow (Goyal et al. 2017,
    section 5.1).
    """
    model = build_model("resnet20")
    answer(model)
    blocks = [each for each in model.modules() if isinstance(each, BasicBlock)]
    seen: list[tuple[Tensor, Tensor]] = []
    for each in blocks:
        each.register_forward_hook(lambda _, given, y: seen.append((given[0], y)))
    nn.functional.cross_entropy(model(torch.randn(8, 3, 32, 32)), torch.arange(8)).backward()
    identities = sum(x.shape == y.shape and max_abs(y - x) < 1e-5 for x, y in seen)
    scales = [each.get_parameter("bn2.weight") for each in blocks]
    learning = sum(scale.grad is not None and max_abs(scale.grad) > 0 for scale in scales)
    return [
        exactly("blocks whose output is their input", identities, IDENTITIES),
        exactly("blocks whose last scale gets a gradient", learning, len(blocks)),
    ]


def max_abs(values: Tensor) -> float:
    """Return the largest absolute value."""
    return values.detach().abs().max().item()


def mean_gradient(x: Tensor) -> float:
    """Return the mean of the gradient that arrived, 0 where none did."""
    return 0.0 if x.grad is None else x.grad.mean().item()


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers a network learns."""
    return sum(each.numel() for each in model.parameters())
