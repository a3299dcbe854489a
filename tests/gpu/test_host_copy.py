"""A state of a GPU is copied to the host by one copy, and its file is that of a state of the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from skiprun.config import RunConfig
from skiprun.experiment.side_by_side import train_side_by_side
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint_file import with_checksum
from skiprun.training.host_copy import HostCopy, state_on_host
from tests.gpu.cases import CASES, config_of
from tests.support.simulated_gpu.graph import Graph
from tests.support.simulated_gpu.host_memory import HostMemory
from tests.support.simulated_gpu.machine import SimulatedMachine
from tests.support.simulated_gpu.streams import Stream


def state() -> dict[str, Any]:
    """Return a state with tensors of every layout and type, and what is none."""
    torch.manual_seed(0)
    image = torch.randn(2, 3, 4, 5)
    return {
        "model": {
            "layout": image.contiguous(memory_format=torch.channels_last),
            "half": image.bfloat16(),
            "count": torch.tensor(7),
            "rate": torch.tensor(0.1, dtype=torch.float64),
            "mask": image[0, 0] > 0,
            "nothing": torch.zeros(0, 3),
            "expanded": torch.ones(1, 3).expand(4, 3),
        },
        "optimizer": {"state": {0: {"momentum_buffer": image.clone()}}, "param_groups": [{"params": [0, 1]}]},
        "step": 3,
        "best": {},
    }


def to_gpu(value: Any) -> Any:
    """Return a state with its tensors on the GPU."""
    if isinstance(value, dict):
        return {key: to_gpu(each) for key, each in value.items()}
    return value.to("cuda") if isinstance(value, Tensor) else value


def file_of_a_gpu() -> tuple[bytes, bool, bool]:
    """Return the file of a state that changes after, and whether a copy was there before and after a wait."""
    moved = to_gpu(state())
    on_host = state_on_host(moved)
    assert on_host is not None
    for tensor in moved["model"].values():
        tensor.zero_()
    moved["best"]["step"] = 9
    copies = HostCopy([torch.ones(5, device="cuda")])
    too_early = bool(copies.tensors[0].sum() == 5)
    return with_checksum(on_host()), too_early, bool(copies.wait()[0].sum() == 5)


def test_the_file_is_that_of_a_cpu(machine: SimulatedMachine) -> None:
    """But for an expanded tensor, of which a file on a CPU keeps the one value."""
    found, too_early, waited = machine(file_of_a_gpu).result
    expected = state()
    expected["model"]["expanded"] = expected["model"]["expanded"].contiguous()
    assert found == with_checksum(expected)
    assert waited and not too_early
    assert state_on_host(state()) is None


def file_without_memory() -> bytes:
    """Return what is written where the GPU has no memory for a second copy."""
    moved = to_gpu(state())
    full = mock.Mock(side_effect=torch.OutOfMemoryError)
    with mock.patch.object(HostCopy, "_gather", full):
        on_host = state_on_host(moved)
    assert on_host is not None
    return with_checksum(on_host())


def test_a_full_gpu_is_copied_tensor_by_tensor(machine: SimulatedMachine) -> None:
    assert machine(file_without_memory).result == machine(file_of_a_gpu).result[0]


def streams(config: RunConfig, runs: Path) -> tuple[set[int], set[int]]:
    """Train by a graph, and return the streams that were captured, and those of copies to the host."""
    captured, copied = set[int](), set[int]()
    keep, expect = Graph.keep, HostMemory.expect

    def note_capture(self: Graph, changed: Sequence[Tensor]) -> None:
        captured.add(self.gpu.current.number)
        keep(self, changed)

    def note_copy(self: HostMemory, place: Tensor, value: Tensor, stream: Stream) -> Tensor:
        copied.add(stream.number)
        return expect(self, place, value, stream)

    with mock.patch.object(Graph, "keep", note_capture), mock.patch.object(HostMemory, "expect", note_copy):
        train_side_by_side({"one": config}, runs, {"one": NullProgress()})
    return captured, copied


def test_no_stream_that_copies_is_ever_captured(machine: SimulatedMachine, tmp_path: Path) -> None:
    """The thread that writes gives pinned memory back when it likes, for which torch asks the stream."""
    captured, copied = machine(streams, config_of(CASES["clip norm"], "cuda", graph=True), tmp_path).result
    assert captured and copied and not captured & copied
