"""The distance to the machine: what a step must compute and move at least, beside what it takes.

Each activation is moved as often as a fused pass must: 15.5 times (conv in and out, statistics, normalization
with join, and their gradients). On a CPU a step cannot be faster than that, plus its multiplications at the
rate of a large matrix product, of which convolutions of 3x3 need 4 in 9 (Winograd's F(2x2, 3x3)). On a GPU
convolutions as narrow as these are far from that rate, so they are measured alone, with the six passes that
are theirs; and a step of many kernels cannot be faster than as many in a graph that do nothing. What
neighbouring passes find in the cache of a GPU is
not taken off: its floor is that of its memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import material
from benchmarks.arms import Arm, side_by_side
from benchmarks.kernels import graph_nodes
from benchmarks.measure import Setting, captured, found, seconds
from skiprun.models import cost
from skiprun.training.acceleration.kernels.winograd import is_supported

PASSES, OF_CONVOLUTIONS = 15.5, 6
BATCH = 128
# Megabytes to copy: what a step walks over between two uses of a tensor, more than a core's own caches; and
# more than all caches of a GPU.
BLOCK = {"cpu": 64, "cuda": 2048}

Row = dict[str, Any]


def run(setting: Setting) -> list[Row]:
    """Return the floor of a step in bf16 beside what is measured; on a CPU with one thread."""
    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = True
    names = ("resnet20", "resnet56") if setting.gpu and not setting.quick else ("resnet20",)
    return [
        {"network": name} | row for name in names for row in of_network(name, replace(setting, threads=1))
    ]


def of_network(name: str, setting: Setting) -> list[Row]:
    """Return the parts of the floor, the floor, and what is measured."""
    rows = [found({"what": what}, part) for what, part in floor_parts(name, setting).items()]
    work, *launches = (row.get("ms", 0.0) for row in rows if row["what"] != "copies")
    floor = max(work + sum(row.get("ms", 0.0) for row in rows if row["what"] == "copies"), *launches, 1e-9)
    rounds, steps = (1 if setting.quick else 4, 100) if setting.gpu else (2 if setting.quick else 4, 4)
    measured = side_by_side(arms(name, setting), rounds, steps, setting)
    return [
        *rows,
        {"what": "floor", "ms": floor},
        *({"what": row["arm"]} | beside(row, floor) for row in measured),
    ]


def beside(row: Row, floor: float) -> Row:
    """Return what was measured of an arm, as a multiple of the floor; or why it failed."""
    return {"ms": row["ms"], "times_floor": row["ms"] / floor} if "ms" in row else {"failed": row["failed"]}


def floor_parts(name: str, setting: Setting) -> dict[str, Callable[[], Row]]:
    """Return what a step must do at least, each as something that measures it."""
    if not setting.gpu:
        return {
            "matrix product": partial(multiplications, name),
            "copies": partial(copies, name, PASSES, setting.device),
        }
    return {
        "convolutions alone": partial(convolutions_alone, name),
        "copies": partial(copies, name, PASSES - OF_CONVOLUTIONS, setting.device),
        "launches": partial(launches, name),
    }


def arms(name: str, setting: Setting) -> list[Arm]:
    """Return skiprun's fastest."""
    work: Row = {"loop": "skiprun", "name": name, "batch": BATCH}
    if not setting.gpu:
        return [Arm("skiprun bf16 fused", work | {"way": "fused"})]
    graph = work | {"graph": True}
    return [
        Arm("skiprun bf16, CUDA graph", graph),
        Arm("skiprun bf16 compiled, CUDA graph", graph | {"way": "compiled"}),
    ]


def multiplications(name: str) -> Row:
    """Return the time of a step's multiplications at the rate of a large matrix product on a CPU."""
    side = torch.randn(1024, 1024, dtype=torch.bfloat16)
    rate = 2 * 1024**3 / seconds(lambda: side @ side, "cpu")
    macs = cost(material.network(name), (3, 32, 32)).macs
    by_winograd = sum(
        math.prod(out) * layer.weight[0].numel()
        for layer, _, out in convolutions(name)
        if is_supported(layer)
    )
    operations = 6 * (macs - 5 / 9 * by_winograd) * BATCH
    return {"ms": 1000 * operations / rate, "at": f"{rate / 1e9:.0f} GFLOP/s"}


def copies(name: str, passes: float, device: str) -> Row:
    """Return the time that so many passes over the activations take at the rate of a copy."""
    block = torch.empty(BLOCK[device] << 20, dtype=torch.uint8, device=device)
    other = torch.empty_like(block)
    bandwidth = 2 * block.nbytes / seconds(lambda: other.copy_(block), device, warm_up=1)
    bytes_ = passes * 2 * conv_outputs(name) * BATCH
    return {"ms": 1000 * bytes_ / bandwidth, "at": f"{bandwidth / 1e9:.1f} GB/s"}


def convolutions_alone(name: str) -> Row:
    """Return the time of all convolutions, forward and backward, as one launch on a GPU."""
    work = []
    for number, (layer, shape_in, shape_out) in enumerate(convolutions(name)):
        layer.to("cuda", torch.bfloat16, memory_format=torch.channels_last)  # type: ignore[call-overload]
        images, gradient = (half(shape) for shape in (shape_in, shape_out))
        # Nothing is before the stem.
        wanted = [*layer.parameters(), *([images.requires_grad_()] if number else [])]
        work.append((layer, images, wanted, gradient))

    def step() -> Tensor:
        for layer, images, wanted, gradient in work:
            torch.autograd.grad(layer(images), wanted, gradient)
        return work[0][-1][:1]

    operations = 6 * cost(material.network(name), (3, 32, 32)).macs * BATCH
    spent = seconds(captured(step), "cuda", warm_up=1)
    return {"ms": 1000 * spent, "at": f"{operations / spent / 1e12:.1f} TFLOP/s"}


def half(shape: torch.Size) -> Tensor:
    """Return a bf16 batch on a GPU, channels_last."""
    return torch.randn(BATCH, *shape[1:], device="cuda", dtype=torch.bfloat16).to(
        memory_format=torch.channels_last
    )


def launches(name: str) -> Row:
    """Return the time of a graph of as many kernels as skiprun's captured step, each adding 1 to a number."""
    kernels = graph_nodes(name, Setting("cuda"))
    number = torch.zeros(1, device="cuda")

    def step() -> Tensor:
        for _ in range(kernels):
            number.add_(1)
        return number

    spent = seconds(captured(step), "cuda", warm_up=1)
    return {"ms": 1000 * spent, "at": f"{kernels} of {1e6 * spent / kernels:.2f} us"}


def convolutions(name: str) -> list[tuple[nn.Conv2d, torch.Size, torch.Size]]:
    """Return the convolutions of a network in their order, with the shapes of one image before and after."""
    model, seen = material.network(name), []

    def note(layer: nn.Conv2d, given: tuple[Tensor], out: Tensor) -> None:
        seen.append((layer, given[0].shape, out.shape))

    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    return seen


def conv_outputs(name: str) -> int:
    """Return the elements that the convolutions of a network put out for one image."""
    return sum(math.prod(shape) for _, _, shape in convolutions(name))
