"""Several runs at once on all cores, one thread each and each on its core, against one classic loop on all threads."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.measure import Arm, running
from skiprun.machine import cores

BATCH = 128


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return pictures a second: one classic loop on all threads, then skiprun on all cores; by the wall clock."""
    own = cores()
    work = {"name": "resnet20", "batch": BATCH}
    classic = Arm("one classic loop, all threads", {"loop": "classic", **work})
    crowd = [
        Arm(f"skiprun on core {core}", {"loop": "skiprun", "compiled": True, "cores": [core], **work}) for core in own
    ]
    rounds, steps = (2, 4) if quick else (5, 12)
    with running([classic], len(own)), running(crowd, 1):
        speeds: dict[str, list[float]] = {"classic": [], "crowd": []}
        for _ in range(rounds):
            speeds["classic"].append(speed([classic], steps))
            speeds["crowd"].append(speed(crowd, steps))
    one, many = (statistics.median(speeds[name]) for name in ("classic", "crowd"))
    ratios = [b / a for a, b in zip(speeds["classic"], speeds["crowd"], strict=True)]
    return [
        {"arm": classic.label, "images_per_s": one, "speedup": 1.0},
        {
            "arm": f"{len(own)} skiprun runs, one a core, bf16 compiled",
            "images_per_s": many,
            "speedup": statistics.median(ratios),
        },
    ]


def speed(arms: list[Arm], steps: int) -> float:
    """Let all arms run at once, and return the pictures a second of all together."""
    for arm in arms:
        arm.ask(steps)
    return sum(BATCH * steps / arm.answer()["wall"] for arm in arms)
