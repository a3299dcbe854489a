"""The degradation experiment on CIFAR-10, 64,000 steps, four networks (He et al. 2015, figure 6), in calls.

A call that has no time left stops the comparison, which saves; the next call goes on.
"""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Setting, Unfinished
from skiprun.run import Run, find_runs

PROTOCOL = "configs/degradation_cifar.yaml"
# Final test errors in percent: what the paper and its reproductions have, with some room.
BANDS = {"plain20": (8.0, 11.0), "plain56": (13.0, 16.0), "resnet20": (8.2, 8.8), "resnet56": (6.6, 7.1)}
GRACE = 30.0  # seconds for the last checkpoint
STOPPED = (128 + signal.SIGTERM, -signal.SIGTERM)  # while it trains; while it starts
SECONDS = "seconds.txt"
QUICK = {"schedule.steps": "4", "schedule.milestones": "[2, 3]", "data.batch_size": "16", "model.width": "4"}
DIGITS = {"data.name": "digits", "data.augment.crop": "1"}  # which are everywhere

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the one part."""
    return {"64k": partial(run, setting)}


def run(setting: Setting) -> list[Row]:
    """Return the final errors beside their bands, and the seconds that all four networks took.

    Raises:
        Unfinished: the time was up; the next call goes on.
        RuntimeError: the comparison failed.
    """
    runs = Path(setting.runs)
    runs.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        code = compared(setting)
    finally:
        with (runs / SECONDS).open("a") as file:
            file.write(f"{time.monotonic() - started:.1f}\n")
    ends = {run.config.model.name: run for run in find_runs(runs)}
    if code in STOPPED:
        standings = ", ".join(f"{name} {run.state}" for name, run in ends.items())
        raise Unfinished(f"stopped as the time was up: {standings or 'before the first step'}")
    if code:
        raise RuntimeError(f"skiprun compare ended with code {code}")
    spent = [float(line) for line in (runs / SECONDS).read_text().split()]
    rows = [errors(ends[name], *band) for name, band in BANDS.items()]
    return [*rows, {"network": "all", "seconds": sum(spent), "calls": len(spent)}]


def compared(setting: Setting) -> int:
    """Let `skiprun compare` train until the time is up, and return its exit code."""
    command = [sys.executable, "-m", "skiprun", "compare", *BANDS, "--config", PROTOCOL]
    command += ["--runs", setting.runs, "--device", setting.device, "--quiet"]
    changes = source(setting.cifar10) or (DIGITS if setting.quick else {})
    changes |= QUICK if setting.quick else {}
    command += [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait(None if math.isinf(setting.limit) else setting.limit - GRACE)
        except subprocess.TimeoutExpired:
            process.terminate()
            return process.wait(GRACE)


def source(place: str | None) -> dict[str, str]:
    """Return what says where the images are: class folders below train/ and test/, or the official files."""
    if place is None:
        return {}
    folders = {"data.name": "image_folder"} if (Path(place) / "train").is_dir() else {}
    return folders | {"data.root": str(Path(place).absolute())}


def errors(run: Run, least: float, most: float) -> Row:
    """Return the errors of a finished run."""
    summary = run.summary()
    test, train = summary["test"]["error"], summary["final"]["train"]["error"]
    return {
        "network": run.config.model.name,
        "test_error": test,
        "band": f"{least:g} to {most:g}",
        "train_error": train,
        "seconds": summary["time"]["train_s"],
    }
