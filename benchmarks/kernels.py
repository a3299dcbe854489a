"""What a step launches on a GPU: kernels and calls of a step, eager and by default, and nodes of its graph.

The driver counts the nodes of the graphs that a run has captured itself. Kernels and calls are those that
torch's profiler sees; on a CPU there are none, and only the loop around them is tried.
"""

from __future__ import annotations

import contextlib
import ctypes
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from benchmarks import material, ours
from benchmarks.measure import Setting
from skiprun.training.acceleration.graph import SETTLED
from skiprun.training.trainer import Trainer

STEPS = 5
WARM_UP = 20  # steps until a graph is captured and all memory is in place; few rounds: the capture
CALLS = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync", "cudaMemsetAsync")
WAYS: dict[str, dict[str, Any]] = {"default": {}, "eager": {"cuda_graph": False, "compile": "off"}}

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the networks that are measured, by name."""
    return {name: partial(of_network, name, setting) for name in setting.networks}


def of_network(name: str, setting: Setting) -> list[Row]:
    """Return a row a way to train."""
    return [{"network": name, "way": way} | of_way(name, compute, setting) for way, compute in WAYS.items()]


def of_way(name: str, compute: dict[str, Any], setting: Setting) -> Row:
    """Return what a step launches."""
    with kept_graphs() as graphs:
        trainer = started(name, compute, setting)
        found = launched(trainer)
    return found | {"graph_nodes": sum(map(nodes, graphs[-1:]))}


def started(
    name: str, compute: dict[str, Any], setting: Setting, probes: Sequence[str] = ("grad_norm",)
) -> Trainer:
    """Return a trainer after its first steps."""
    config = material.experiment({"name": name}, setting.batch, setting.device, compute, probes=list(probes))
    trainer = ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()), setting.images)
    trainer.train_to(SETTLED + 1 if setting.quick else WARM_UP)
    return trainer


def launched(trainer: Trainer) -> Row:
    """Return kernels and calls of a step; what is fetched for the log at the end is among them."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as watched:
        trainer.train_to(trainer.step + STEPS)
    return counted(watched.events() or [])


def counted(events: Sequence[FunctionEvent]) -> Row:
    """Return what a step launches, of the events of some."""
    kernels = [each for each in events if each.device_type.name == "CUDA" and not each.is_user_annotation]
    calls = [each for each in events if each.name.startswith(CALLS)]
    return {"kernels_a_step": len(kernels) / STEPS, "calls_a_step": len(calls) / STEPS}


@contextlib.contextmanager
def kept_graphs() -> Iterator[list[torch.cuda.CUDAGraph]]:
    """Collect the graphs that are captured within; they are kept so that the driver can count."""
    made: list[torch.cuda.CUDAGraph] = []
    kind = torch.cuda.CUDAGraph

    def make() -> torch.cuda.CUDAGraph:
        made.append(kind(keep_graph=True))
        return made[-1]

    with mock.patch.object(torch.cuda, "CUDAGraph", make):
        yield made


def graph_nodes(name: str, setting: Setting) -> int:
    """Return the nodes of the graph that a run of a network captures."""
    with kept_graphs() as graphs:
        started(name, {"cuda_graph": True}, setting)
    return nodes(graphs[-1])


def nodes(graph: torch.cuda.CUDAGraph) -> int:
    """Return the number of things that a graph does, by the driver's own count."""
    count = ctypes.c_size_t()
    handle, driver = ctypes.c_void_p(graph.raw_cuda_graph()), ctypes.CDLL("libcuda.so.1")
    if driver.cuGraphGetNodes(handle, None, ctypes.byref(count)):
        raise RuntimeError("the driver does not count the graph's nodes")
    return count.value
