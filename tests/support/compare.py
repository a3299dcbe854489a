"""Compare what two runs left, to the last bit, but for what a clock measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from skiprun.experiment.replay import first_difference
from skiprun.run import Run
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.state import Checkpoint

# Of a checkpoint, as the log holds measured times; a clock has a say in whether steps are a graph's launches.
MEASURED = {"seconds", "metrics_bytes", "metrics_sum", "graph"}


def timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the log without what a clock measured."""
    return {tag: value for tag, value in row.items() if not tag.startswith("time/")}


def untimed(state: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint without what a clock measured and what follows from it."""
    return {key: value for key, value in state.items() if key not in MEASURED}


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Compare nested data to the last bit; an error names the place."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}[{index}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where


def assert_same_bits(one: Run, other: Run) -> None:
    """Compare the logs of two runs and the tensors of their checkpoints, which may be of two devices."""
    ours, theirs = (Checkpoints(run.checkpoints) for run in (one, other))
    assert_same([timeless(row) for row in one.rows()], [timeless(row) for row in other.rows()], "metrics")
    assert first_difference(load(ours.last), load(theirs.last)) is None
    assert_same(load(ours.best)["model"], load(theirs.best)["model"], "best.pt")
    assert one.images_file.read_bytes() == other.images_file.read_bytes()
