"""A training step end to end: images, augmentation, step, logging; against the loops that people use."""

from __future__ import annotations

from typing import Any, get_args

from benchmarks.arms import Arm, side_by_side
from benchmarks.measure import IMAGES, Setting
from skiprun.system.machine import cores
from skiprun.training.device import Execution

BATCH = 128
# Of the DataLoader, by default, in the scripts and in timm. On a CPU they take the cores that make the steps,
# so the loops are measured without.
WORKERS = 4

Row = dict[str, Any]


def run(setting: Setting) -> list[Row]:
    """Return a row an arm and network; ratios are to the classic loop."""
    names = ("resnet20", "resnet56") if setting.gpu and not setting.quick else ("resnet20",)
    # On a GPU an epoch ends within one of the turns of skiprun, which then evaluates and saves.
    rounds, steps = (1 if setting.quick else 4, 100) if setting.gpu else ((2, 2) if setting.quick else (7, 8))
    warm_up = None if setting.gpu or setting.quick else 20
    return [
        row
        for name in names
        for row in with_epochs(name, side_by_side(arms(name, setting), rounds, steps, setting, warm_up))
    ]


def with_epochs(name: str, rows: list[Row]) -> list[Row]:
    """Add the network, the seconds of an epoch's steps, and the speed over the expert's fastest loop."""
    expert = min((row["ms"] for row in rows if row["arm"].startswith("expert") and "ms" in row), default=None)
    found = []
    for row in rows:
        more = {"epoch_s": row["ms"] * IMAGES / BATCH / 1000} if "ms" in row else {}
        if more and expert:
            more["over_expert"] = expert / row["ms"]
        found.append({"network": name} | row | more)
    return found


def arms(name: str, setting: Setting) -> list[Arm]:
    """Return the contestants for one network, as their users start them on the device."""
    work: dict[str, Any] = {"name": name, "batch": BATCH}
    theirs = work | {"workers": WORKERS} if setting.gpu else work
    expert = theirs | {"loop": "expert"} | ({"workers": len(cores())} if setting.gpu else {})
    ours = {"loop": "skiprun", **work}
    found = [
        Arm("classic loop", {"loop": "classic", **theirs}),
        Arm("classic + norms, add_scalar", {"loop": "classic", "norms": True, **theirs}),
        Arm("timm's loop", {"loop": "timm", **theirs}, peers=True),
        Arm("Lightning Trainer", {"loop": "lightning", **theirs}, peers=True),
    ]
    experts = [
        Arm("expert: channels_last, bf16", expert | {"compiled": False}),
        Arm("expert: + torch.compile", expert),
    ]
    if setting.gpu:
        return [
            *found,
            Arm(
                "Lightning Trainer, bf16-mixed",
                {"loop": "lightning", "precision": "bf16-mixed", **theirs},
                peers=True,
            ),
            *experts,
            Arm("expert: + reduce-overhead", expert | {"mode": "reduce-overhead"}),
            Arm("skiprun bf16", ours),
            Arm("skiprun bf16 compiled", ours | {"way": "compiled"}),
            Arm("skiprun bf16, CUDA graph", ours | {"graph": True}),
            Arm("skiprun bf16 compiled, CUDA graph", ours | {"graph": True, "way": "compiled"}),
        ]
    if setting.threads > 1:
        found.insert(
            1, Arm(f"classic loop, {WORKERS} workers", {"loop": "classic", "workers": WORKERS, **work})
        )
    return [
        *found,
        *experts,
        *(
            Arm(
                f"skiprun {precision}{'' if way == 'eager' else f' {way}'}",
                ours | {"precision": precision, "way": way},
            )
            for precision in ("fp32", "bf16")
            for way in get_args(Execution)
        ),
    ]
