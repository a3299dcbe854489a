"""Shapes of operations on the meta device, where torch works them out slowly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from skiprun.system.torch_internals import OpOverload

aten = torch.ops.aten


def _batch_norm_outputs(x: Tensor, *_: object) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(x), x.new_empty(x.shape[1]), x.new_empty(x.shape[1])


def _mean(x: Tensor, dims: Sequence[int], keep: bool = False) -> Tensor:
    gone = {dim % x.ndim for dim in dims}
    return x.new_empty(
        [1 if dim in gone else size for dim, size in enumerate(x.shape) if keep or dim not in gone]
    )


def _elementwise(x: Tensor, y: Tensor | float, **_: object) -> Tensor:
    """Return a result of two operands, in the shape that both have or broadcast to."""
    if not isinstance(y, Tensor) or x.shape == y.shape:
        return torch.empty_like(x, dtype=torch.result_type(x, y))
    return x.new_empty(np.broadcast_shapes(x.shape, y.shape), dtype=torch.result_type(x, y))


def _concatenation(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    shape = list(parts[0].shape)
    shape[dim] = sum(part.shape[dim] for part in parts)
    return parts[0].new_empty(shape)


def _same(x: Tensor, *_: object, **__: object) -> Tensor:
    return x


def _like(x: Tensor, *_: object, **__: object) -> Tensor:
    return torch.empty_like(x)


# What torch works out in Python, by its name; some of it makes torch import its compiler, for over a second.
# What happens in place leaves a tensor without content as it is.
SHAPES: dict[OpOverload, Callable[..., object]] = {
    aten.normal_.default: _same,
    aten.uniform_.default: _same,
    aten.bernoulli_.float: _same,
    aten.div_.Scalar: _same,
    aten.div_.Tensor: _same,
    aten.mul_.Tensor: _same,
    aten.silu_.default: _same,
    aten.hardtanh_.default: _same,
    aten.hardswish_.default: _same,
    aten.relu.default: _like,
    aten.gelu.default: _like,
    aten.silu.default: _like,
    aten.sigmoid.default: _like,
    aten.hardsigmoid.default: _like,
    aten.rsub.Scalar: _like,
    aten.add.Tensor: _elementwise,
    aten.sub.Tensor: _elementwise,
    aten.mul.Tensor: _elementwise,
    aten.cat.default: _concatenation,
    aten.native_batch_norm.default: _batch_norm_outputs,
    aten.mean.dim: _mean,
    aten.addmm.default: lambda _, x, y: x.new_empty(x.shape[0], y.shape[1]),
}
