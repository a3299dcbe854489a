"""What is answered at once on the meta device has the shape that torch works out with real numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.models.complexity.meta import Shortcuts

OPERATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean of the last two": lambda x: x.mean((2, 3)),
    "mean from the end": lambda x: x.mean((-2, -1), keepdim=True),
    "mean of the channels": lambda x: x.mean(1),
    "mean that keeps its place": lambda x: x.mean((0, 2), keepdim=True),
    "sum": lambda x: x + x,
    "sum with a number": lambda x: x + 1,
    "sum over a wider shape": lambda x: x[:, :1] + x,
    "sum of half and single precision": lambda x: x.half() + x,
    "difference from a number": lambda x: 1 - x,
    "difference of columns and rows": lambda x: x[..., :1] - x[..., :1, :],
    "product with a whole number": lambda x: x * 2,
    "product with a scalar": lambda x: x[0, 0, 0, 0] * x,
    "concatenation": lambda x: torch.cat([x, x[:, :1]], 1),
    "concatenation from the end": lambda x: torch.cat([x, x[..., :2]], -1),
    "activation": lambda x: F.gelu(x, approximate="tanh"),
    "activation in place": lambda x: F.silu(x + 1, inplace=True),
    "norm": lambda x: F.batch_norm(x, torch.zeros_like(x[0, :, 0, 0]), torch.ones_like(x[0, :, 0, 0])),
    "norm of the batch": lambda x: F.batch_norm(x, None, None, training=True),
    "classifier": lambda x: F.linear(x.flatten(1), x.new_empty(7, 60), x.new_empty(7)),
    "draw": lambda x: torch.empty_like(x).normal_(),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_shape_is_that_of_real_numbers(name: str) -> None:
    real = OPERATIONS[name](torch.rand(2, 3, 4, 5))
    with Shortcuts():
        found = OPERATIONS[name](torch.empty(2, 3, 4, 5, device="meta"))
    assert found.is_meta and (found.shape, found.dtype) == (real.shape, real.dtype)


def test_real_numbers_are_computed_as_ever() -> None:
    x = torch.rand(2, 3, 4, 5)
    for name, operation in OPERATIONS.items():
        if name not in ("classifier", "draw"):  # which begin with what was in memory
            expected = operation(x)
            with Shortcuts():
                assert torch.equal(operation(x), expected), name
