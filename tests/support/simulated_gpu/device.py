"""The simulated GPU: computes what its tensors are asked for, and keeps its rules."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from skiprun.system.torch_internals import storage_id
from tests.support.simulated_gpu.findings import Finding, Kind, find
from tests.support.simulated_gpu.generator import DeviceGenerator
from tests.support.simulated_gpu.graph import Graph, Recorded
from tests.support.simulated_gpu.host_memory import PINNING, HostMemory
from tests.support.simulated_gpu.operations import aten, is_allocation, written_tensors
from tests.support.simulated_gpu.rules import check, check_room
from tests.support.simulated_gpu.streams import NOTHING, Clocks, Storages, Stream
from tests.support.simulated_gpu.tensor import SimulatedTensor, held, wrapped

STREAMS = 32  # of torch
LAUNCH = 6.0  # microseconds of an operation that is launched by itself


class SimulatedGPU:
    """One GPU, and what was noticed on it.

    Attributes:
        host: memory of the host that is pinned.
        generator: the device's own.
        capturing: the graph that is being captured.
        launches: how many times a graph was launched in a step; `scored` elsewhere.
        room: bytes for one more tensor.
        streams, urgent: those that are given out, in turns.
        nodes: how many operations the last one held.
        kernels: how many operations were launched one by one.
        microseconds: how long all that was launched takes.
        sync_debug_mode: 1: a wait is warned of, 2: it is an error; see torch.cuda.set_sync_debug_mode.
    """

    def __init__(self, room: float = math.inf, streams: int = STREAMS) -> None:
        self.room = room
        self.clocks = Clocks(lambda what: self.report("race", what))
        self.streams, self.urgent = (
            itertools.cycle([Stream(self.clocks, self.wait) for _ in range(streams)]) for _ in range(2)
        )
        self.default = self.latest = Stream(self.clocks, self.wait)
        self.thread = threading.local()  # each has a stream of its own to launch on
        self.capturing: Graph | None = None
        self.host = HostMemory()
        self.findings: Counter[Finding] = Counter()
        self.launches = self.scored = self.nodes = self.kernels = 0
        self.microseconds, self.sync_debug_mode = 0.0, 0
        self.generator = DeviceGenerator(torch.Generator().manual_seed(0).get_state())

    def report(self, kind: Kind, what: object) -> None:
        """Note something at the place that is computing now."""
        self.findings[find(kind, what)] += 1

    def wait(self, what: object) -> None:
        """Let the host wait for the device, which breaks a capture."""
        words = f"called a synchronizing CUDA operation ({what})"
        if self.sync_debug_mode == 2:
            raise RuntimeError(words)
        if self.sync_debug_mode == 1:
            warnings.warn(words, stacklevel=2)
        self.report("wait", what)
        if self.capturing is not None:
            self.capturing.is_broken = True
            raise RuntimeError(f"operation not permitted when stream is capturing ({what})")
        self.clocks.wait_on_host()
        self.host.deliver()

    def wait_for(self, clock: Counter[int]) -> None:
        """Let the host wait, or a thread for itself; unnoticed while the GPU has more to do."""
        if self.clocks.is_now(clock):
            self.report("wait", "event")
        if self.capturing is not None and self.capturing.mode == "global":
            self.capturing.is_broken = True
        self.host.deliver(clock)
        if not threading.current_thread().name.startswith("background"):
            self.clocks.host |= clock

    @property
    def current(self) -> Stream:
        """The stream of this thread: torch.cuda.current_stream; a backward pass has the forward one's."""
        if not threading.current_thread().name.startswith("Dummy"):
            self.latest = getattr(self.thread, "stream", self.default)
        return self.latest

    def stream(self, *_: object, priority: int = 0) -> Stream:
        """Return the next stream of a priority, of which there are as many of each."""
        return next(self.urgent if priority else self.streams)

    @contextlib.contextmanager
    def on_stream(self, stream: Stream | None) -> Iterator[None]:
        """Launch what follows on a stream: torch.cuda.stream."""
        before = self.current
        self.thread.stream = stream or before
        try:
            yield
        finally:
            self.thread.stream = before

    def note(self, reads: Storages, writes: Storages, born: Storages = NOTHING) -> None:
        """Note an operation on the current stream."""
        self.clocks.launch(self.current.number, reads, writes, born)

    def compute(self, operation: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Compute an operation where its tensors lie, or where it is told to."""
        if operation in PINNING or kwargs.get("pin_memory"):
            return self.host.compute(operation, args, kwargs)
        target = torch.device(kwargs["device"]).type if kwargs.get("device") is not None else None
        here = any(isinstance(leaf, SimulatedTensor) for leaf in tree_leaves((args, kwargs)))
        if not here and target != "cuda":
            return operation(*args, **kwargs)
        if operation is aten._to_copy.default and target == "cpu":
            self.wait("copy to host")
            return operation(held(args[0]), **kwargs)
        if operation is aten.copy_.default and not isinstance(args[0], SimulatedTensor):
            if self.capturing or not (len(args) > 2 and args[2] and self.host.is_pinned(args[0])):
                self.wait("copy to host")
                return args[0].copy_(held(args[1]))
            self.note({storage_id(held(args[1]))}, NOTHING)
            return self.host.expect(args[0], held(args[1]), self.current)
        check(self, operation, args, kwargs)
        return self._launch(operation, args, kwargs)

    def _launch(self, operation: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Compute an operation of the GPU, and write it down if a graph is being captured."""
        leaves, spec = tree_flatten((args, dict(kwargs)))
        inner = [held(leaf) for leaf in leaves]
        args, kwargs = tree_unflatten(inner, spec)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("pin_memory", "non_blocking")}
        inputs = {storage_id(tensor) for tensor in inner if isinstance(tensor, Tensor)}
        changed = written_tensors(operation, args, kwargs)
        if self.capturing is not None:
            self.capturing.keep(changed)
        drawn = self.generator.draw(operation, args, kwargs, self.capturing is not None)
        results, shape = tree_flatten(drawn)
        tensors = [each if isinstance(each, Tensor) else None for each in results]
        born = {storage_id(each) for each in tensors if each is not None} - inputs
        check_room(self, [each for each in tensors if each is not None and storage_id(each) in born])
        is_view = not changed and all(each is not None and storage_id(each) in inputs for each in tensors)
        writes = {storage_id(tensor) for tensor in changed}
        computes = not (is_view or is_allocation(operation))
        if self.capturing is not None:
            self.capturing.born |= born
            self.capturing.memory.append((inner, results))
            if computes:
                kept = [each if each is not None and storage_id(each) in born else None for each in tensors]
                self.capturing.tape.append(Recorded(operation, args, kwargs, kept, inputs, writes | born))
        elif computes:
            self.kernels += 1
            self.microseconds += LAUNCH
            self.note(inputs, writes, born)
        else:
            for storage in born:
                self.clocks.forget(storage)
        wrappers = {id(one): leaf for one, leaf in zip(inner, leaves, strict=True) if leaf is not one}
        return tree_unflatten([wrapped(each, wrappers) for each in results], shape)
