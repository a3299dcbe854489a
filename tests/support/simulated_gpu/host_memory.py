"""Pinned memory of the host: a copy to it that nobody waits for is there when somebody has waited."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch._ops import OpOverload

from skiprun.system.torch_internals import storage_id
from tests.support.simulated_gpu.operations import aten
from tests.support.simulated_gpu.streams import Stream

if TYPE_CHECKING:
    from tests.support.simulated_gpu.device import SimulatedGPU


PINNING = {aten._pin_memory.default, aten.is_pinned.default}


@dataclass(frozen=True, eq=False)
class Arriving:
    """A copy on its way, launched on a stream at a time of that."""

    stream: int
    time: int
    place: Tensor
    value: Tensor


class HostMemory:
    """What is pinned, and what is on its way there.

    Attributes:
        pinned: by storage; kept, so that no other takes its place.
        arriving: in the order of the launches.
    """

    def __init__(self) -> None:
        self.pinned: dict[int, Tensor] = {}
        self.arriving: list[Arriving] = []
        self.lock = threading.Lock()  # a thread that writes checkpoints waits while the loop launches copies

    def pin(self, tensor: Tensor) -> Tensor:
        """Return memory as pinned."""
        return self.pinned.setdefault(storage_id(tensor), tensor)

    def is_pinned(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is in pinned memory."""
        return storage_id(tensor) in self.pinned

    def compute(self, operation: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Compute an operation on pinned memory."""
        if operation is aten.is_pinned.default:
            return self.is_pinned(args[0])
        if operation is aten._pin_memory.default:
            return self.pin(args[0].clone())
        return self.pin(operation(*args, **{**kwargs, "pin_memory": False}))

    def expect(self, place: Tensor, value: Tensor, stream: Stream) -> Tensor:
        """Let a copy be launched as the last operation of a stream, and return the place that it goes to."""
        time = stream.clocks.clocks[stream.number][stream.number]
        with self.lock:
            self.arriving.append(Arriving(stream.number, time, place, value.clone()))
        return place

    def deliver(self, clock: Mapping[int, int] | None = None) -> None:
        """Let copies arrive: those that are before a time of the streams, or all."""
        with self.lock:
            here = [each for each in self.arriving if clock is None or each.time <= clock.get(each.stream, 0)]
            self.arriving = [each for each in self.arriving if each not in here]
            for each in here:
                each.place.copy_(each.value)


class Event:
    """A time of a stream: torch.cuda.Event."""

    def __init__(self, gpu: SimulatedGPU) -> None:
        self.gpu, self.microseconds = gpu, 0.0
        self.clock: Counter[int] = Counter()

    def record(self, stream: Stream | None = None) -> None:
        """Remember what a stream has been told until now."""
        self.clock = Counter(self.gpu.clocks.clocks[(stream or self.gpu.current).number])
        self.microseconds = self.gpu.microseconds

    def elapsed_time(self, later: Event) -> float:
        """Return the milliseconds until another event."""
        return (later.microseconds - self.microseconds) / 1e3

    def synchronize(self) -> None:
        """Let the host, or a thread of it, wait until that is done."""
        self.gpu.wait_for(self.clock)
