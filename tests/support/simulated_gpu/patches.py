"""Let torch see the simulated GPU within a context, and nowhere else."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils import _foreach_utils
from torch.utils._pytree import tree_map

from skiprun.system.torch_internals import DispatchMode, OpOverload
from tests.support.simulated_gpu.device import STREAMS, SimulatedGPU
from tests.support.simulated_gpu.graph import Graph, capture
from tests.support.simulated_gpu.host_memory import Event
from tests.support.simulated_gpu.own_parameters import own_parameters
from tests.support.simulated_gpu.tensor import CUDA, SimulatedTensor

NAME, MEMORY, PEAK, CUDNN = "Simulated GPU", 80 << 30, 3 << 30, 91002


class Mode(DispatchMode):
    """Hands every operation to the GPU, also those that have no tensor of it yet."""

    def __init__(self, gpu: SimulatedGPU) -> None:
        super().__init__()
        self.gpu = gpu

    def compute(self, operation: OpOverload, args: Any, kwargs: Any) -> object:
        """Return the result of an operation."""
        return self.gpu.compute(operation, args, kwargs)


@contextlib.contextmanager
def simulated(free: int = MEMORY, room: float = math.inf, streams: int = STREAMS) -> Iterator[SimulatedGPU]:
    """Let torch see one GPU within, which says that so many bytes are free, and has `room` for a tensor."""
    gpu = SimulatedGPU(room, streams)
    supported = [*_foreach_utils._foreach_supported_types, SimulatedTensor]
    with contextlib.ExitStack() as stack:
        put = lambda place, name, value: stack.enter_context(mock.patch.object(place, name, value))  # noqa: E731
        for name, value in cuda_functions(gpu, free).items():
            put(torch.cuda, name, value)
        put(torch.backends.cuda, "is_built", lambda: True)
        put(torch.backends.cudnn, "version", lambda: CUDNN)
        put(torch.accelerator, "current_accelerator", lambda check_available=False: CUDA)
        capturing = lambda: gpu.capturing is not None  # noqa: E731
        put(torch.accelerator, "current_stream", lambda device=None: SimpleNamespace(is_capturing=capturing))
        put(torch, "load", partial(load, torch.load))
        put(_foreach_utils, "_foreach_supported_types", supported)
        stack.enter_context(mock.patch.object(SimulatedTensor, "gpu", gpu, create=True))
        put(threading.Thread, "run", in_mode(gpu, threading.Thread.run))
        stack.enter_context(own_parameters())
        stack.enter_context(Mode(gpu))
        yield gpu


def in_mode(gpu: SimulatedGPU, run: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    """Return what a thread does where it sees the GPU as well: what torch is told so is of one thread."""

    def run_in_mode(thread: threading.Thread) -> None:
        with own_parameters(), Mode(gpu):
            run(thread)

    return run_in_mode


def cuda_functions(gpu: SimulatedGPU, free: int) -> dict[str, Any]:
    """Return what torch.cuda says of the GPU, by name."""

    def get_rng_state(device: object = None) -> Tensor:
        if gpu.capturing is not None:
            raise RuntimeError("Cannot call CUDAGeneratorImpl::current_seed during CUDA graph capture")
        return gpu.generator.state.clone()

    def set_rng_state(state: Tensor, device: object = None) -> None:
        gpu.generator.state = state.clone()

    def set_sync_debug_mode(mode: str | int) -> None:
        gpu.sync_debug_mode = {"default": 0, "warn": 1, "error": 2}[mode] if isinstance(mode, str) else mode

    properties = SimpleNamespace(major=9, minor=0, name=NAME, total_memory=MEMORY, multi_processor_count=1)
    return {
        "_initialized": True,
        "_is_in_bad_fork": lambda: False,
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "is_bf16_supported": lambda including_emulation=True: True,
        "device_count": lambda: 1,
        "device": lambda device: contextlib.nullcontext(),
        "current_device": lambda: 0,
        "get_device_name": lambda device=None: NAME,
        "get_device_properties": lambda device=None: properties,
        "get_device_capability": lambda device=None: (9, 0),
        "mem_get_info": lambda device=None: (free, MEMORY),
        "max_memory_allocated": lambda device=None: 0,
        "max_memory_reserved": lambda device=None: PEAK,
        "memory_reserved": lambda device=None: PEAK,
        "reset_peak_memory_stats": lambda device=None: None,
        "empty_cache": lambda: None,
        "default_generators": (gpu.generator,),
        "manual_seed": gpu.generator.manual_seed,
        "manual_seed_all": gpu.generator.manual_seed,
        "get_rng_state": get_rng_state,
        "set_rng_state": set_rng_state,
        "synchronize": lambda device=None: gpu.wait("synchronize"),
        "set_sync_debug_mode": set_sync_debug_mode,
        "get_sync_debug_mode": lambda: gpu.sync_debug_mode,
        "Stream": gpu.stream,
        "stream": gpu.on_stream,
        "current_stream": lambda device=None: gpu.current,
        "default_stream": lambda device=None: gpu.default,
        "Event": lambda enable_timing=False, blocking=False: Event(gpu),
        "CUDAGraph": lambda keep_graph=False: Graph(gpu),
        "graph": capture,
        "is_current_stream_capturing": lambda: gpu.capturing is not None,
    }


def load(torch_load: Any, file: Any, map_location: Any = None, **options: Any) -> Any:
    """Do what torch.load does, which cannot put a tensor on the simulated GPU itself."""
    state = torch_load(file, map_location="cpu", **options)
    if map_location is None or torch.device(map_location).type != "cuda":
        return state
    return tree_map(lambda value: value.to(CUDA) if isinstance(value, Tensor) else value, state)
