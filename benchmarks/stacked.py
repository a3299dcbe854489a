"""Several seeds in one process, their weights stacked: the time of a step for each, against one at a time.

Stacked networks share every call into torch, which pays where calls are what takes the time. On a CPU they
are not, and a convolution in groups is slower than several plain ones; so a comparison trains each seed in a
process of its own. On
a GPU a step is one launch here, however many networks it trains: what is seen is how well they fill the
device.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from benchmarks.loops import sgd
from benchmarks.measure import Setting, captured, found, seconds
from skiprun.models import build_model

SIZES = {"digits, batch 64": (1, 8, 64), "CIFAR, batch 128": (3, 32, 128)}


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return milliseconds a seed and step of resnet20, bf16; on a CPU one thread and its time."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True
    rows = []
    for label, size in SIZES.items():
        alone = found({"arm": f"{label}: alone"}, partial(a_seed, 1, size, setting))
        more = (2, 4, 8) if setting.gpu else (2, 4)
        stacked = [
            found({"arm": f"{label}: {seeds} stacked"}, partial(a_seed, seeds, size, setting))
            for seeds in more
        ]
        for row in (alone, *stacked):
            sound = "failed" not in row | alone
            rows.append(row | ({"speedup": alone["ms_a_seed"] / row["ms_a_seed"]} if sound else {}))
    return rows


def a_seed(seeds: int, size: tuple[int, int, int], setting: Setting) -> dict[str, float]:
    """Return what a step takes for each of some seeds."""
    step = one_step(*size, setting.device) if seeds == 1 else stacked_step(seeds, *size, setting.device)
    spent = seconds(
        captured(step) if setting.gpu else step, setting.device, 2 if setting.quick else 10, warm_up=2
    )
    return {"ms_a_seed": 1000 * spent / seeds}


def one_step(channels: int, side: int, batch: int, device: str) -> Callable[[], Tensor]:
    """Return a step of one network, which returns the loss."""
    model = build_model("resnet20", 10, channels).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = sgd(model)
    images = torch.randn(batch, channels, side, side, device=device).contiguous(
        memory_format=torch.channels_last
    )
    labels = torch.randint(10, (batch,), device=device)

    def step() -> Tensor:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            output = model(images)
        loss = F.cross_entropy(output.float(), labels)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def stacked_step(seeds: int, channels: int, side: int, batch: int, device: str) -> Callable[[], Tensor]:
    """Return a step of several networks, each on images of its own, which returns the sum of their losses."""
    models = [build_model("resnet20", 10, channels).to(device).train() for _ in range(seeds)]
    weights, buffers = stack_module_state(models)
    frame = copy.deepcopy(models[0]).to("meta")
    optimizer = torch.optim.SGD(weights.values(), 0.1, momentum=0.9, weight_decay=1e-4)
    images = torch.randn(seeds, batch, channels, side, side, device=device)
    labels = torch.randint(10, (seeds, batch), device=device)

    def forward(weights: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor) -> Tensor:
        return functional_call(frame, (weights, buffers), (images,))

    def step() -> Tensor:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            output = vmap(forward)(weights, buffers, images)
        # The mean of each network's own batch: their gradients do not meet.
        loss = F.cross_entropy(output.float().flatten(0, 1), labels.flatten()) * seeds
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
