"""Several runs at once, each a process on cores of its own: on all cores of a CPU, or on one GPU."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.arms import Arm, running
from benchmarks.measure import Setting
from skiprun.system.machine import cores

BATCH = 128
WORK: dict[str, Any] = {"loop": "skiprun", "name": "resnet20", "batch": BATCH}
AT_ONCE = (1, 2, 4, 8)


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return images a second, by the wall clock."""
    return on_one_gpu(setting) if setting.gpu else on_all_cores(setting)


def on_all_cores(setting: Setting) -> list[dict[str, Any]]:
    """Return one classic loop on all threads, and skiprun with one run a core."""
    own = cores()
    classic = Arm("one classic loop, all threads", {**WORK, "loop": "classic"})
    crowd = [Arm(f"skiprun on core {core}", {"way": "fused", "cores": [core], **WORK}) for core in own]
    rounds, steps = (2, 4) if setting.quick else (5, 12)
    with running([classic], Setting(threads=len(own))), running(crowd, Setting()):
        speeds: dict[str, list[float]] = {"classic": [], "crowd": []}
        for _ in range(rounds):
            speeds["classic"].append(speed(together([classic], steps), steps))
            speeds["crowd"].append(speed(together(crowd, steps), steps))
    ratios = [b / a for a, b in zip(speeds["classic"], speeds["crowd"], strict=True) if a]
    rows = [
        {"arm": classic.label, "images_per_s": statistics.median(speeds["classic"]), "speedup": 1.0},
        {
            "arm": f"{len(own)} skiprun runs, one a core, bf16 fused",
            "images_per_s": statistics.median(speeds["crowd"]),
            "speedup": statistics.median(ratios) if ratios else 0.0,
        },
    ]
    return [sound(rows[0], [classic]), sound(rows[1], [classic, *crowd])]


def on_one_gpu(setting: Setting) -> list[dict[str, Any]]:
    """Return the time of 1, 2, 4 and 8 seeds, each on its share of the cores, and its ratio to one's."""
    crowd = gpu_arms(cores())
    rounds, steps = (2 if setting.quick else 7), 100
    walls: dict[int, list[list[float]]] = {count: [] for count in AT_ONCE}
    with running(crowd, setting):
        together(crowd, steps)  # captures the graphs
        for _ in range(rounds):
            for count in AT_ONCE:
                walls[count].append(together(crowd[:count], steps))
    return [sound(at_once(count, walls, steps), crowd[:count]) for count in AT_ONCE]


def gpu_arms(own: Sequence[int]) -> list[Arm]:
    """Return the runs, each pinned to its share of the cores."""
    shares = [own[number % len(own) :: AT_ONCE[-1]] for number in range(AT_ONCE[-1])]
    return [
        Arm(f"run {number}", {"graph": True, "cores": list(share), **WORK})
        for number, share in enumerate(shares, 1)
    ]


def at_once(count: int, walls: dict[int, list[list[float]]], steps: int) -> dict[str, Any]:
    """Return the row of so many seeds; the slowest of them says how long they took."""
    times = [max(each, default=0.0) for each in walls[count]]
    one = [max(each, default=0.0) for each in walls[1]]
    return {
        "arm": f"{count} at once",
        "ms": 1000 * statistics.median(times) / steps,
        "images_per_s": statistics.median([speed(each, steps) for each in walls[count]]),
        "times_one": statistics.median([b / a if a else 0.0 for a, b in zip(one, times, strict=True)]),
    }


def together(arms: list[Arm], steps: int) -> list[float]:
    """Let all arms run at once, and return the seconds of each."""
    for arm in arms:
        arm.ask(steps)
    return [turn["wall"] for arm in arms if (turn := arm.answer())]


def speed(walls: list[float], steps: int) -> float:
    """Return the images a second of all together."""
    return sum(BATCH * steps / wall for wall in walls)


def sound(row: dict[str, Any], arms: list[Arm]) -> dict[str, Any]:
    """Return a row, or only why it is none."""
    failed = next((f"{arm.label}: {arm.failed}" for arm in arms if arm.failed), None)
    return {"arm": row["arm"], "failed": failed} if failed else row
