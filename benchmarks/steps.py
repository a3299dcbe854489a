"""A training step end to end: images, augmentation, step, logging; against the loops that people use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from benchmarks.arms import Arm, side_by_side
from benchmarks.measure import IMAGES, Setting
from skiprun.system.machine import cores
from skiprun.training.device import Execution

# Of the DataLoader, by default, in the scripts and in timm. On a CPU they take the cores that make the steps,
# so the loops are measured without.
WORKERS = 4

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the networks that are measured, by name: one on a CPU."""
    return {
        name: partial(of_network, name, setting) for name in setting.networks[: None if setting.gpu else 1]
    }


def of_network(name: str, setting: Setting) -> list[Row]:
    """Return a row an arm; ratios are to the classic loop."""
    rounds, steps = (1 if setting.quick else 5, 200) if setting.gpu else ((2, 2) if setting.quick else (7, 8))
    warm_up = None if setting.gpu or setting.quick else 20
    rows = side_by_side(arms(name, setting), rounds, steps, setting, warm_up)
    return with_epochs(name, rows, setting.batch)


def with_epochs(name: str, rows: list[Row], batch: int) -> list[Row]:
    """Add the network, the seconds of an epoch's steps, and the speed over the expert's fastest loop."""
    expert = min((row["ms"] for row in rows if row["arm"].startswith("expert") and "ms" in row), default=None)
    found = []
    for row in rows:
        more = {"epoch_s": row["ms"] * IMAGES / batch / 1000} if "ms" in row else {}
        if more and expert:
            more["over_expert"] = expert / row["ms"]
        found.append({"network": name} | row | more)
    return found


def arms(name: str, setting: Setting) -> list[Arm]:
    """Return the contestants for one network, as their users start them on the device."""
    work: Row = {"name": name, "batch": setting.batch}
    return [*those_of_others(work, setting), *(ours_on_a_gpu(work) if setting.gpu else ours_on_a_cpu(work))]


def those_of_others(work: Row, setting: Setting) -> list[Arm]:
    """Return the loops of others, the classic one first."""
    theirs = work | {"workers": WORKERS if setting.gpu else 0}
    classic, lightning = {"loop": "classic"} | theirs, {"loop": "lightning"} | theirs
    expert = {"loop": "expert"} | work | {"workers": len(cores()) if setting.gpu else 0}
    found = [Arm("classic loop", classic)]
    if setting.threads > 1:
        found += [Arm(f"classic loop, {WORKERS} workers", classic | {"workers": WORKERS})]
    found += [
        Arm("classic + norms, add_scalar", classic | {"norms": True}),
        Arm("timm's loop", {"loop": "timm"} | theirs, "timm"),
        Arm("Lightning Trainer", lightning, "lightning"),
        Arm("expert: channels_last, bf16", expert | {"compiled": False}),
        Arm("expert: + torch.compile", expert),
    ]
    if not setting.gpu:
        return found
    fast = expert | {"mode": "reduce-overhead"}
    return [
        *found,
        Arm("Lightning Trainer, bf16-mixed", lightning | {"precision": "bf16-mixed"}, "lightning"),
        Arm("expert: + reduce-overhead", fast),
        Arm("expert: + images on the device", fast | {"workers": None}),
    ]


def ours_on_a_gpu(work: Row) -> list[Arm]:
    """Return skiprun by default, with a row of log and TensorBoard a step, launch by launch, and compiled."""
    ours = {"loop": "skiprun", "precision": "auto", "way": "auto", "every": 10} | work
    return [
        Arm("skiprun", ours),
        Arm("skiprun, a row each step", ours | {"every": 1}),
        Arm("skiprun eager", ours | {"way": "eager", "graph": False}),
        Arm("skiprun compiled", ours | {"way": "compiled"}),
    ]


def ours_on_a_cpu(work: Row) -> list[Arm]:
    """Return skiprun in each precision and way, with a row of log and TensorBoard a step."""
    return [
        Arm(
            f"skiprun {precision}{'' if way == 'eager' else f' {way}'}",
            {"loop": "skiprun", "precision": precision, "way": way} | work,
        )
        for precision in ("fp32", "bf16")
        for way in get_args(Execution)
    ]
