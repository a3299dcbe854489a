"""A training step end to end: pictures, augmentation, step, logging; against the loops that people use."""

from __future__ import annotations

from typing import Any

from benchmarks import peers
from benchmarks.measure import Arm, side_by_side


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return a row an arm; ratios are to the classic loop."""
    work = {"name": "resnet20", "batch": 128}
    ours = {"loop": "skiprun", **work}
    place = peers.folder()
    arms = [
        Arm("classic loop", {"loop": "classic", **work}),
        Arm("classic + norms, add_scalar", {"loop": "classic", "norms": True, **work}),
        Arm("timm's loop", {"loop": "timm", **work}, place),
        Arm("Lightning Trainer", {"loop": "lightning", **work}, place),
        Arm("expert: channels_last, bf16", {"loop": "expert", "compiled": False, **work}),
        Arm("expert: + torch.compile", {"loop": "expert", **work}),
        Arm("skiprun fp32", {**ours, "precision": "fp32"}),
        Arm("skiprun fp32 compiled", {**ours, "precision": "fp32", "compiled": True}),
        Arm("skiprun bf16", ours),
        Arm("skiprun bf16 compiled", {**ours, "compiled": True}),
    ]
    if threads > 1:
        arms.insert(1, Arm("classic loop, 2 workers", {"loop": "classic", "workers": 2, **work}))
    rows = side_by_side(arms, 2 if quick else 5, 2 if quick else 4, threads)
    expert = next(row["ms"] for row in rows if row["arm"] == "expert: + torch.compile")
    return [row | {"over_expert": expert / row["ms"]} for row in rows]
