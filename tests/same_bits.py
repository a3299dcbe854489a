"""Train with two commits and compare what they leave: `python -m tests.same_bits BEFORE [AFTER]`.

A refactoring changes no bit. Both commits train the comparison of the README (two seeds) and a U-Net, on one
core, as times decide the number of threads where there are more. All tensors of all checkpoints, in the words
of today, all rows of metrics.jsonl but for the times in them, what was said of each test image, and the
scores in the summaries must be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skiprun.training.checkpoint_file import load
from tests.support import ROOT

COMMANDS = ["compare plain20 plain56 resnet56 --seeds 2", "train {tree}/configs/unet_cells.yaml"]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", help="another; default: the working tree")
    parser.add_argument("--epochs", help="fewer epochs than the configs name, for a glance")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sides = {"before": given.before, "after": given.after}
        found = [
            dict(values(train(commit, Path(name) / side, given.epochs))) for side, commit in sides.items()
        ]
    differing = [
        key for key in sorted({*found[0], *found[1]}) if not same(found[0].get(key), found[1].get(key))
    ]
    print(f"{len(found[0])} values before, {len(found[1])} after, {len(differing)} differ")
    print(*differing[:20], sep="\n")
    return int(bool(differing) or not found[0])


def train(commit: str | None, folder: Path, epochs: str | None) -> Path:
    """Train with a commit, or with the working tree; return the folder of the runs."""
    folder.mkdir()
    tree = folder / "tree" if commit else ROOT
    if commit:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        tree.mkdir()
        subprocess.run(["tar", "x"], cwd=tree, input=archive, check=True)
    shorter = ["--set", f"schedule.epochs={epochs}"] if epochs else []
    for command in COMMANDS:
        words = [word.format(tree=tree) for word in command.split()]
        subprocess.run(
            [sys.executable, "-m", "skiprun", *words, *shorter, "--runs", str(folder / "runs")],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(tree)},
            preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
            check=True,
        )
    return folder / "runs"


def values(runs: Path) -> Iterator[tuple[str, Any]]:
    """Yield (place, value) of everything that training decides."""
    for folder in sorted(file.parent for file in runs.glob("*/seed-*/summary.json")):
        name = str(folder.relative_to(runs))
        for number, line in enumerate((folder / "metrics.jsonl").read_text().splitlines()):
            row = json.loads(line)
            yield (
                f"{name} row {number}",
                {key: value for key, value in row.items() if not key.startswith("time/")},
            )
        summary = json.loads((folder / "summary.json").read_text())
        yield from ((f"{name} {part}", summary[part]) for part in ("test", "final", "best"))
        for file in folder.glob("test.npz"):  # an older commit writes none
            yield from ((f"{name} {file.name} {of}", array.tolist()) for of, array in np.load(file).items())
        for checkpoint in sorted(folder.glob("checkpoints/*.pt")):
            yield from tensors(load(checkpoint), f"{name} {checkpoint.name}")


def tensors(state: Any, place: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield every tensor of nested dicts and lists with its place."""
    if isinstance(state, torch.Tensor):
        yield place, state
    elif isinstance(state, dict):
        for key, value in state.items():
            yield from tensors(value, f"{place} {key}")
    elif isinstance(state, list | tuple):
        for number, value in enumerate(state):
            yield from tensors(value, f"{place} {number}")


def same(before: Any, after: Any) -> bool:
    if isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
        return before.dtype == after.dtype and torch.equal(before, after)
    return type(before) is type(after) and bool(before == after)


if __name__ == "__main__":
    sys.exit(main())
