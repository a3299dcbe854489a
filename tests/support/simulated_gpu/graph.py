"""CUDA graphs: a capture writes operations down; a launch computes them in the same memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

from skiprun.system.torch_internals import storage_id
from tests.support.simulated_gpu.findings import is_in_step
from tests.support.simulated_gpu.streams import Storages, Stream

if TYPE_CHECKING:
    from tests.support.simulated_gpu.device import SimulatedGPU

NODE = 2.5  # microseconds of an operation in a graph


@dataclass(frozen=True)
class Recorded:
    """An operation of a graph.

    Attributes:
        results: its tensors at the capture, where they are new memory; None elsewhere.
        reads, writes: storages.
    """

    operation: OpOverload
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    results: Sequence[Tensor | None]
    reads: Storages
    writes: Storages


@dataclass
class Graph:
    """A captured graph; its arguments are a stand-in for those of torch.cuda.CUDAGraph.

    Attributes:
        tape: what a launch computes.
        memory: keeps every tensor of the capture alive, as a graph's pool does.
        before: of memory that the capture changed, a view of its bytes and what they were.
        born: memory that the capture allocated.
        is_broken: whether the driver broke the capture off.
        mode: `global` where a wait of another thread breaks it, too.
    """

    gpu: SimulatedGPU
    tape: list[Recorded] = field(default_factory=list)
    memory: list[object] = field(default_factory=list)
    before: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    born: set[int] = field(default_factory=set)
    is_broken: bool = False
    mode: str = "global"

    def keep(self, changed: Sequence[Tensor]) -> None:
        """Remember what is in memory that the capture is about to change."""
        for tensor in changed:
            storage = storage_id(tensor)
            if storage not in self.born and storage not in self.before:
                whole = all_bytes(tensor)
                self.before[storage] = whole, whole.clone()

    def replay(self) -> None:
        """Launch."""
        assert self.gpu.capturing is None
        if is_in_step():
            self.gpu.launches += 1
            self.gpu.nodes = len(self.tape)
        else:
            self.gpu.scored += 1
        for each in self.tape:
            self.gpu.microseconds += NODE
            self.gpu.note(each.reads, each.writes)
            values = tree_leaves(self.gpu.generator.draw(each.operation, each.args, each.kwargs))
            for place, value in zip(each.results, values, strict=True):
                if place is not None and storage_id(place) != storage_id(value):
                    place.copy_(value)


@contextlib.contextmanager
def capture(graph: Graph, stream: Stream | None = None, capture_error_mode: str = "global") -> Iterator[None]:
    """Write down what is computed within, and undo it: torch.cuda.graph.

    Raises:
        RuntimeError: the driver broke the capture off; what was raised within is its context.
    """
    gpu, graph.mode = graph.gpu, capture_error_mode
    gpu.clocks.wait_on_host()
    with gpu.on_stream(stream or gpu.stream()):
        gpu.capturing, drawn, gpu.generator.is_held = graph, gpu.generator.state, True
        try:
            yield
        finally:
            gpu.capturing, gpu.generator.state, gpu.generator.is_held = None, drawn, graph.is_broken
            for whole, before in graph.before.values():
                whole.copy_(before)
            if graph.is_broken:
                raise RuntimeError("operation failed due to a previous error during capture")


def all_bytes(tensor: Tensor) -> Tensor:
    """Return the memory that a tensor views as bytes, in place."""
    storage = tensor.untyped_storage()
    return torch.empty(0, dtype=torch.uint8).set_(storage)
