"""The same accuracy at the same steps: the digits protocol over seeds, by plain fp32 loop and by skiprun."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Setting

NETWORK, EPOCHS = "resnet20", 15


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return mean and standard deviation of final test error and training loss, for each way to train."""
    seeds = 2 if setting.quick else 5
    ways = {
        f"skiprun {precision}{name}": [
            "--set",
            f"compute.precision={precision}",
            "--set",
            f"compute.compile={word}",
        ]
        for precision in ("fp32", "bf16")
        for name, word in (("", "off"), (" fused", "fused"))
    }
    ends = {"plain PyTorch loop, fp32": [plain(seed) for seed in range(seeds)]}
    ends |= {label: ours(seeds, options) for label, options in ways.items()}
    return [{"arm": label, "seeds": seeds} | spread(found) for label, found in ends.items()]


def plain(seed: int) -> dict[str, float]:
    """Return test error and training loss of the plain script."""
    return json.loads(output("-m", "benchmarks.plain", str(EPOCHS), str(seed), NETWORK))


def ours(seeds: int, options: list[str]) -> list[dict[str, float]]:
    """Return test error and training loss of each seed."""
    from skiprun.run import find_runs

    with tempfile.TemporaryDirectory() as name:
        output(
            "-m", "skiprun", "compare", NETWORK, "--seeds", str(seeds), "--runs", name, "--quiet", *options
        )
        ends = [run.summary() for run in find_runs(Path(name))]
    return [
        {"error": end["test"]["error"] or 0.0, "loss": end["final"]["train"]["loss"] or 0.0} for end in ends
    ]


def output(*command: str) -> str:
    """Return what a Python program prints."""
    return subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout


def spread(ends: list[dict[str, float]]) -> dict[str, float]:
    """Return mean and standard deviation over seeds."""
    columns = {key: [end[key] for end in ends] for key in ("error", "loss")}
    means = {f"{key}_mean": statistics.mean(values) for key, values in columns.items()}
    return means | {f"{key}_std": statistics.stdev(values) for key, values in columns.items()}
