"""`make demo`, start to end, against a plain PyTorch script that trains the same three networks in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.measure import ROOT, Setting

NETWORKS = ("plain20", "plain56", "resnet56")


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return the seconds from start to end of both, in turns, by the wall clock."""
    epochs = 2 if setting.quick else 15
    plain, ours = [], []
    for _ in range(1 if setting.quick else 3):
        plain.append(seconds([sys.executable, "-m", "benchmarks.plain", str(epochs), "0", *NETWORKS]))
        with tempfile.TemporaryDirectory() as runs:
            command = [sys.executable, "-m", "skiprun", "compare", *NETWORKS, "--runs", runs, "--quiet"]
            ours.append(seconds([*command, "--set", f"schedule.epochs={epochs}"]))
    ratios = [before / after for before, after in zip(plain, ours, strict=True)]
    return [
        {"arm": "plain PyTorch script", "seconds": statistics.median(plain), "speedup": 1.0},
        {"arm": "skiprun compare", "seconds": statistics.median(ours), "speedup": statistics.median(ratios)},
    ]


def seconds(command: list[str]) -> float:
    """Return how long a command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - started
