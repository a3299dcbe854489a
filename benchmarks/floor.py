"""The distance to the machine: operations over the rate of a matrix product, bytes over the rate of a copy.

A step cannot be faster than its multiplications at the rate of a large matrix product, plus moving each activation as
often as a fused pass must: 15.5 times (conv in and out, statistics, normalization with join, and their gradients).
"""

from __future__ import annotations

from typing import Any

import torch

from benchmarks import material
from benchmarks.measure import Arm, cpu_seconds, side_by_side
from skiprun.models import cost

PASSES = 15.5
BATCH = 128


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return the floor of a resnet20 step in bf16 beside what is measured; one thread."""
    torch.set_num_threads(1)
    side = torch.randn(1024, 1024, dtype=torch.bfloat16)
    rate = 2 * 1024**3 / cpu_seconds(lambda: side @ side)
    # 64 MB is what a step walks over between two uses of a tensor: more than a core's own caches.
    block = torch.empty(64 << 20, dtype=torch.uint8)
    other = torch.empty_like(block)
    bandwidth = 2 * block.nbytes / cpu_seconds(lambda: other.copy_(block))
    size = cost(material.network(), (3, 32, 32))
    operations = 6 * size.macs * BATCH / rate
    elements = conv_outputs()
    bytes_ = PASSES * 2 * elements * BATCH / bandwidth
    work = {"loop": "skiprun", "name": "resnet20", "batch": BATCH, "compiled": True}
    measured = side_by_side([Arm("skiprun bf16 compiled", work)], 2 if quick else 4, 4, 1)[0]["ms"] / 1000
    return [
        {"what": f"matrix product, {rate / 1e9:.0f} GFLOP/s", "ms": 1000 * operations},
        {"what": f"copies, {bandwidth / 1e9:.1f} GB/s", "ms": 1000 * bytes_},
        {"what": "floor", "ms": 1000 * (operations + bytes_)},
        {"what": "measured step", "ms": 1000 * measured, "times_floor": measured / (operations + bytes_)},
    ]


def conv_outputs() -> int:
    """Return the elements that the convolutions of resnet20 put out for one picture."""
    model, seen = material.network(), [0]
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, i, out: seen.__setitem__(0, seen[0] + out.numel()))
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 32, 32))
    return seen[0]
