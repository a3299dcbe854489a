"""How time and memory of a step grow with depth, width and batch; and what recomputed blocks save."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Arm, side_by_side


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return a row a size; eager, bf16. Ratios are to resnet20 at batch 128."""
    base: dict[str, Any] = {"loop": "skiprun", "name": "resnet20", "batch": 128}
    sizes: list[dict[str, Any]] = [{}, {"name": "resnet56"}, {"batch": 32}, {"batch": 512}, {"width": 64}]
    sizes += [{"name": "resnet56", "recompute": True}]
    if not quick:
        sizes += [{"name": "resnet110"}, {"name": "resnet110", "recompute": True}]
    arms = [Arm(label(base | size), base | size) for size in sizes]
    rows = side_by_side(arms, 1 if quick else 3, 2, threads)
    return rows if quick else rows + deepest(base, threads)


def deepest(base: dict[str, Any], threads: int) -> list[dict[str, Any]]:
    """Return a row for one step of the 1202 layers of He et al. 2015, whose activations do not fit otherwise."""
    work = base | {"name": "resnet1202", "recompute": True}
    return side_by_side([Arm(label(work), work)], 1, 1, threads)


def label(work: dict[str, Any]) -> str:
    """Return a size in words."""
    width = f", width {work['width']}" if "width" in work else ""
    again = ", recomputed" if work.get("recompute") else ""
    return f"{work['name']}, batch {work['batch']}{width}{again}"
