"""Several seeds in one process, their weights stacked: what a step takes for each, against one network at a time.

Stacked networks share every call into torch, which pays where calls are what takes the time. On a CPU they are not, and
a convolution in groups is slower than several plain ones; so a comparison trains each seed in a process of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from benchmarks.loops import sgd
from benchmarks.measure import cpu_seconds
from skiprun.models import build_model

SIZES = {"digits, batch 64": (1, 8, 64), "CIFAR, batch 128": (3, 32, 128)}


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return milliseconds a seed and step of resnet20, bf16, one thread, CPU time."""
    torch.set_num_threads(1)
    rows = []
    for label, (channels, side, batch) in SIZES.items():
        alone = milliseconds(one_step(channels, side, batch), quick)
        rows.append({"arm": f"{label}: alone", "ms_a_seed": alone, "speedup": 1.0})
        for seeds in (2, 4):
            spent = milliseconds(stacked_step(seeds, channels, side, batch), quick) / seeds
            rows.append({"arm": f"{label}: {seeds} stacked", "ms_a_seed": spent, "speedup": alone / spent})
    return rows


def one_step(channels: int, side: int, batch: int) -> Callable[[], None]:
    """Return a step of one network."""
    model = build_model("resnet20", 10, channels).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = sgd(model)
    pictures = torch.randn(batch, channels, side, side).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(10, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            output = model(pictures)
        F.cross_entropy(output.float(), labels).backward()
        optimizer.step()

    return step


def stacked_step(seeds: int, channels: int, side: int, batch: int) -> Callable[[], None]:
    """Return a step of several networks, each on pictures of its own."""
    models = [build_model("resnet20", 10, channels).train() for _ in range(seeds)]
    weights, buffers = stack_module_state(models)
    frame = copy.deepcopy(models[0]).to("meta")
    optimizer = torch.optim.SGD(weights.values(), 0.1, momentum=0.9, weight_decay=1e-4)
    pictures, labels = torch.randn(seeds, batch, channels, side, side), torch.randint(10, (seeds, batch))

    def forward(weights: dict[str, Tensor], buffers: dict[str, Tensor], pictures: Tensor) -> Tensor:
        return functional_call(frame, (weights, buffers), (pictures,))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            output = vmap(forward)(weights, buffers, pictures)
        # The mean of each network's own batch: their gradients do not meet.
        (F.cross_entropy(output.float().flatten(0, 1), labels.flatten()) * seeds).backward()
        optimizer.step()

    return step


def milliseconds(step: Callable[[], None], quick: bool) -> float:
    """Return the CPU time of a step, after two that warm up."""
    return 1000 * cpu_seconds(step, 2 if quick else 10, warm_up=2)
