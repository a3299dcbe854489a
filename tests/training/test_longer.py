"""A run made longer from any end, even within an epoch: steps, validations and the best as if straight."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config import RunConfig
from skiprun.errors import Stopped
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.sample_order import BatchSampler
from skiprun.training.schedule import total_steps
from tests.support.compare import assert_same
from tests.support.tiny import tiny_config, tiny_trainer
from tests.training.test_trainer import StopAt, lines

SAMPLES = 64
EVEN, UNEVEN = 16, 12  # images a batch: 4 steps an epoch, and 5 1/3


def config(length: dict[str, float], batch_size: int = EVEN, **schedule: Any) -> RunConfig:
    data = {"name": "digits", "batch_size": batch_size}
    return tiny_config(data=data, optim={"lr": 0.05}, schedule={"kind": "constant", **length, **schedule})


def train(folder: Path, *configs: RunConfig) -> None:
    for each in configs:
        tiny_trainer(folder, each).fit()


def assert_as_straight(straight: Path, longer: Path, ends: list[int]) -> None:
    """Compare two runs to the last bit; the second one may have validated at the ends that it had before."""
    once, rows = ([row for row in lines(each) if "test/error" not in row] for each in (straight, longer))
    extra = [row for row in rows if row not in once]
    assert [row for row in rows if row not in extra] == once
    assert all(row.get("epoch_end") and row["step"] in ends for row in extra)
    states = [load(folder / "last.pt") for folder in (straight, longer)]
    for part in ("model", "optimizer", "step", "epoch", "validated", "totals"):
        assert_same(states[0][part], states[1][part], part)
    validated = [row for row in rows if row.get("epoch_end")]
    best = min(validated, key=lambda row: (row["val/error"], row["val/loss"]))
    assert states[1]["best"]["step"] == load(longer / "best.pt")["step"] == best["step"]


STEPS = [(2, 3), (1, 4), (3, 4), (4, 6), (6, 8), (5, 13), (2, 3, 9)]
EPOCHS = [(0.4, 0.8), (0.3, 1), (0.6, 2.5), (1.5, 1.7), (1.5, 3), (0.3, 0.6, 0.9, 2)]


@pytest.mark.parametrize("batch_size", [EVEN, UNEVEN])
@pytest.mark.parametrize(
    ("unit", "lengths"), [*(("steps", each) for each in STEPS), *(("epochs", each) for each in EPOCHS)]
)
def test_a_longer_run_is_the_straight_run_of_that_length(
    unit: str, lengths: tuple[float, ...], batch_size: int, tmp_path: Path
) -> None:
    configs = [config({unit: length}, batch_size) for length in lengths]
    train(tmp_path / "straight", configs[-1])
    train(tmp_path / "longer", *configs)
    ends = [total_steps(each, SAMPLES) for each in configs]
    assert load(tmp_path / "longer" / "last.pt")["step"] == ends[-1]
    assert_as_straight(tmp_path / "straight", tmp_path / "longer", ends[:-1])


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
@pytest.mark.parametrize(("old", "new"), [(2, 6), (6, 10)])
def test_a_longer_run_that_is_stopped_on_its_way_is_too(
    old: int, new: int, stop: int, tmp_path: Path
) -> None:
    train(tmp_path / "straight", config({"steps": new}))
    train(tmp_path / "longer", config({"steps": old}))
    with pytest.raises(Stopped):
        tiny_trainer(tmp_path / "longer", config({"steps": new}), stop_signal=StopAt(stop)).fit()
    assert load(tmp_path / "longer" / "last.pt")["step"] == old + stop
    train(tmp_path / "longer", config({"steps": new}))
    assert_as_straight(tmp_path / "straight", tmp_path / "longer", [old])


def test_a_run_stopped_at_its_end_before_that_was_validated_is_too(tmp_path: Path) -> None:
    train(tmp_path / "straight", config({"steps": 10}))
    with pytest.raises(Stopped):
        tiny_trainer(tmp_path / "longer", config({"steps": 6}), stop_signal=StopAt(6)).fit()
    train(tmp_path / "longer", config({"steps": 10}))
    assert_as_straight(tmp_path / "straight", tmp_path / "longer", [])


@pytest.mark.parametrize("schedule", [{"warmup": 0.25}, {"kind": "multistep", "milestones": [0.25]}])
def test_warmup_and_milestones_are_where_they_were(schedule: dict[str, Any], tmp_path: Path) -> None:
    """Not where a length that is no whole number of steps would put them."""
    configs = [config({"epochs": length}, UNEVEN, **schedule) for length in (0.5, 0.7, 0.9)]
    train(tmp_path / "straight", configs[-1])
    train(tmp_path / "longer", *configs)
    assert_as_straight(
        tmp_path / "straight", tmp_path / "longer", [total_steps(each, SAMPLES) for each in configs]
    )


@pytest.mark.parametrize("old", [2, 4, 6])
def test_a_checkpoint_of_an_earlier_version_which_counted_a_part_as_an_epoch_goes_on(
    old: int, tmp_path: Path
) -> None:
    train(tmp_path / "straight", config({"steps": 10}))
    train(tmp_path / "longer", config({"steps": old}))
    checkpoints = Checkpoints(tmp_path / "longer")
    state: Any = load(checkpoints.last)
    sums = torch.zeros(3 + len(state["totals"]["counts"]), dtype=torch.float64)
    for key in ("validated", "totals", "ema_model"):
        del state[key]
    checkpoints.save_last(state | {"epoch": -(-old // 4), "sums": sums, "average": None})
    train(tmp_path / "longer", config({"steps": 10}))
    ends = [
        [row["step"] for row in lines(tmp_path / each) if row.get("epoch_end")]
        for each in ("straight", "longer")
    ]
    assert ends[1] == sorted({*ends[0], old})
    straight, longer = (load(tmp_path / each / "last.pt") for each in ("straight", "longer"))
    assert_same(straight["model"], longer["model"])


@pytest.mark.parametrize("batch_size", [EVEN, UNEVEN, 60, SAMPLES])
def test_the_place_in_an_epoch_is_told_by_the_step(batch_size: int) -> None:
    order = BatchSampler(0, SAMPLES, batch_size, torch.device("cpu"))
    ends = {order.steps(epoch): epoch for epoch in range(1, 30)}
    for step in range(1, max(ends)):
        assert order.epochs(step) == ends.get(step, step * batch_size / SAMPLES)
    assert all(one < other for one, other in pairwise(map(order.epochs, range(1, max(ends)))))
