"""Facts of torch's operations: which make the host wait, which launch nothing, which change what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
# Operations whose result has a size, or is a number, that only the device knows.
WAITING = {
    aten._local_scalar_dense,
    aten.nonzero,
    aten.masked_select,
    aten.equal,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
    aten.repeat_interleave,
    aten.is_nonzero,
    aten.item,
}
INDEXING = {aten.index, aten.index_put, aten.index_put_}
ALLOCATIONS = {
    aten.empty,
    aten.empty_strided,
    aten.empty_like,
    aten.new_empty,
    aten.new_empty_strided,
    aten.detach,
    aten.alias,
    aten.lift_fresh,
}


def is_allocation(operation: OpOverload) -> bool:
    """Tell whether an operation launches no kernel."""
    return operation.overloadpacket in ALLOCATIONS


def written_tensors(operation: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Return the tensors that an operation changes; batch norm does not say which."""
    if operation in (aten.native_batch_norm.default, aten.cudnn_batch_norm.default):
        return [statistic for statistic in args[3:5] if statistic is not None and args[5]]
    found: list[Any] = []
    for number, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            found += tree_leaves(args[number] if number < len(args) else kwargs.get(argument.name))
    return [value for value in found if isinstance(value, Tensor)]
