"""How time and memory of a step grow with depth, width and batch; and what recomputed blocks save."""

from __future__ import annotations

from typing import Any

from benchmarks.arms import Arm, side_by_side
from benchmarks.measure import Setting

BASE: dict[str, Any] = {"loop": "skiprun", "name": "resnet20", "batch": 128}


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return a row a size, in bf16, as ratios to resnet20 at batch 128.

    Fused on a CPU, a CUDA graph on a GPU.
    """
    rounds, steps = (1 if setting.quick else 3, 40) if setting.gpu else (1 if setting.quick else 3, 2)
    rows = side_by_side([arm(size, setting) for size in sizes(setting)], rounds, steps, setting)
    return (
        rows
        if setting.quick
        else rows + side_by_side([arm(size, setting) for size in deepest(setting)], 1, 1, setting)
    )


def sizes(setting: Setting) -> list[dict[str, Any]]:
    """Return what differs from resnet20 at batch 128."""
    found: list[dict[str, Any]] = [{}, {"name": "resnet56"}, {"batch": 32}, {"batch": 512}, {"width": 64}]
    found += [{"batch": 2048}] if setting.gpu else []
    found += [{"name": "resnet56", "recompute": True}]
    return (
        found if setting.quick else [*found, {"name": "resnet110"}, {"name": "resnet110", "recompute": True}]
    )


def deepest(setting: Setting) -> list[dict[str, Any]]:
    """Return the 1202 layers of He et al. 2015, a step of which is a long time on a CPU, and much memory."""
    recomputed = {"name": "resnet1202", "recompute": True}
    return [recomputed, {"name": "resnet1202", "graph": False}] if setting.gpu else [recomputed]


def arm(size: dict[str, Any], setting: Setting) -> Arm:
    """Return the arm of a size; blocks that are recomputed cannot be traced, and no graph takes them."""
    fast: dict[str, Any] = {"graph": True} if setting.gpu else {"way": "fused"}
    work = BASE | ({} if size.get("recompute") else fast) | size
    return Arm(label(work), work)


def label(work: dict[str, Any]) -> str:
    """Return a size in words."""
    width = f", width {work['width']}" if "width" in work else ""
    again = ", recomputed" if work.get("recompute") else ""
    return f"{work['name']}, batch {work['batch']}{width}{again}"
