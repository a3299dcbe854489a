"""Copy many tensors of a GPU to the host at once, without waiting until they are there.

Each copy to ordinary memory waits for all that was launched before, and a state of resnet20 has 290 tensors.
They are gathered in one piece of memory on the device, which is copied to pinned memory while the host goes
on.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from skiprun.training.acceleration.streams import after_all

State = TypeVar("State", bound=Mapping[str, object])
ALIGNMENT = 16  # bytes; no type is larger
# Of streams, which no step is captured on. When pinned memory is given back, by the thread that has written
# it, torch asks the stream of the copy for an event: within a capture that is one which nobody may wait for.
HIGH = -1


class HostCopy:
    """Copies of tensors of a GPU, on their way to the host."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        """Launch the copy; what is computed later does not change it."""
        lengths = [-(-tensor.nbytes // ALIGNMENT) * ALIGNMENT for tensor in tensors]
        *self.starts, total = itertools.accumulate(lengths, initial=0)
        memory = torch.empty(total, dtype=torch.uint8, pin_memory=True)
        try:
            gathered = self._gather(total, tensors)
        except torch.OutOfMemoryError:
            gathered = None
        self.arrived = torch.cuda.Event(blocking=True)
        with after_all([torch.cuda.current_stream()], torch.cuda.Stream(priority=HIGH)):
            if gathered is None:
                self._copy_each(memory, tensors)
            else:
                memory.copy_(gathered, non_blocking=True)
            self.arrived.record()
        self.tensors = [
            _own_storage(memory, tensor, start) for tensor, start in zip(tensors, self.starts, strict=True)
        ]

    def wait(self) -> list[Tensor]:
        """Wait until the copies are there, and return them; each has the layout of its tensor."""
        self.arrived.synchronize()
        return self.tensors

    def _gather(self, total: int, tensors: Sequence[Tensor]) -> Tensor:
        """Return one piece of memory of their device with all tensors; one kernel copies all of a type."""
        memory = torch.empty(total, dtype=torch.uint8, device=tensors[0].device)
        places = [_like_at(memory, tensor, start) for tensor, start in zip(tensors, self.starts, strict=True)]
        for dtype in {tensor.dtype for tensor in tensors}:
            pairs = [pair for pair in zip(places, tensors, strict=True) if pair[1].dtype == dtype]
            torch._foreach_copy_([place for place, _ in pairs], [tensor for _, tensor in pairs])
        return memory

    def _copy_each(self, memory: Tensor, tensors: Sequence[Tensor]) -> None:
        """Copy tensors to the host one by one, where the device has no memory for them once more."""
        for tensor, start in zip(tensors, self.starts, strict=True):
            _like_at(memory, tensor, start).copy_(tensor, non_blocking=True)


def strides(tensor: Tensor) -> tuple[int, ...]:
    """Return the strides of a dense copy of a tensor."""
    return torch.empty_like(tensor, device="meta").stride()


def _like_at(memory: Tensor, tensor: Tensor, start: int) -> Tensor:
    """Return a piece of memory as a tensor like another."""
    piece = memory[start : start + tensor.nbytes].view(tensor.dtype)
    return piece.as_strided(tensor.shape, strides(tensor))


def _own_storage(memory: Tensor, tensor: Tensor, start: int) -> Tensor:
    """Return a piece of memory as a tensor with a storage of its own: a file holds whole storages."""
    storage = memory.untyped_storage()[start : start + tensor.nbytes]
    return torch.empty(0, dtype=tensor.dtype).set_(storage, 0, tensor.shape, strides(tensor))


def state_on_host(state: State) -> Callable[[], State] | None:
    """Return what waits for a copy of a state on the host; None for one that has no tensor of a GPU."""
    found = [tensor for tensor in tensors_in(state) if tensor.is_cuda]
    if not found:
        return None
    copies = HostCopy(found)
    # To copy a dict or a list takes none of its tensors again, if these are known as copied already.
    known: dict[int, object] = {id(a): b for a, b in zip(found, copies.tensors, strict=True)}
    on_host = copy.deepcopy(state, known)

    def arrived() -> State:
        copies.wait()
        return on_host

    return arrived


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors of a nested state."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(map(tensors_in, value.values()))
    elif isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(tensors_in, value))
