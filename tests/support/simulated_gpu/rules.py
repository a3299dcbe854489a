"""The rules of a GPU for one operation: what makes the host wait, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from tests.support.simulated_gpu.operations import INDEXING, WAITING, aten
from tests.support.simulated_gpu.tensor import SimulatedTensor

if TYPE_CHECKING:
    from tests.support.simulated_gpu.device import SimulatedGPU


def check(gpu: SimulatedGPU, operation: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Note what an operation on the GPU costs, or refuse it as CUDA does.

    Raises:
        RuntimeError: in CUDA's words.
    """
    if kwargs.get("generator") is not None:
        raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
    if operation is aten._to_copy.default and not isinstance(args[0], SimulatedTensor):
        return from_host(gpu, args[0], kwargs.get("non_blocking", False), operation)
    if operation is aten.copy_.default and not isinstance(args[1], SimulatedTensor):
        return from_host(gpu, args[1], len(args) > 2 and args[2], operation)
    if operation.overloadpacket in WAITING:
        gpu.wait(operation)
    if operation.overloadpacket in INDEXING:
        return check_indices(gpu, operation, [index for index in args[1] if index is not None])
    check_devices(gpu, operation, [*args, *kwargs.values()])


def check_room(gpu: SimulatedGPU, born: Sequence[Tensor]) -> None:
    """Refuse a new tensor that finds no room, as CUDA's allocator does."""
    for tensor in born:
        needed = tensor.untyped_storage().nbytes()
        if needed > gpu.room:
            raise torch.OutOfMemoryError(
                f"CUDA out of memory. Tried to allocate {needed} bytes. GPU 0 has a total capacity of 80.00 "
                f"GiB of which {gpu.room} bytes is free. Including non-PyTorch memory, this process has 2.00 "
                "GiB memory in use."
            )


def from_host(gpu: SimulatedGPU, tensor: Tensor, non_blocking: bool, what: OpOverload) -> None:
    """Copy from the host: it waits, unless the memory is pinned; a graph takes nothing else."""
    pinned = gpu.host.is_pinned(tensor)
    if gpu.capturing is not None and not pinned:
        raise RuntimeError(
            "Cannot copy between CPU and CUDA tensors during CUDA graph capture "
            "unless the CPU tensor is pinned"
        )
    if not (pinned and non_blocking):
        gpu.wait(f"copy from host ({what})")


def check_indices(gpu: SimulatedGPU, operation: OpOverload, indices: Sequence[Tensor]) -> None:
    """A mask becomes indices of a number that the host waits for; indices on the host are copied."""
    if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
        gpu.wait(f"{operation} by a mask")
    for index in indices:
        if not isinstance(index, SimulatedTensor):
            from_host(gpu, index, False, operation)


def check_devices(gpu: SimulatedGPU, operation: OpOverload, values: Sequence[Any]) -> None:
    """Refuse tensors of two devices; a number in a host tensor is taken, and a graph keeps it for good."""
    lists = [value if isinstance(value, list | tuple) else [value] for value in values]
    tensors = [each for values in lists for each in values if isinstance(each, Tensor)]
    for tensor in tensors:
        if isinstance(tensor, SimulatedTensor):
            continue
        if tensor.ndim:
            shape = tuple(tensor.shape)
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found cuda:0 and cpu "
                f"({operation}, {shape})"
            )
        gpu.report("host scalar", operation)
