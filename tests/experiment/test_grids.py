"""A grid on the command line: every combination is one more network of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skiprun.errors import InputError
from skiprun.experiment import compare
from skiprun.run import Run
from tests.support.told_training import Scores, Training

Told = Callable[[Scores], Training]


def test_a_grid_trains_each_network_with_every_combination(tmp_path: Path, training: Told) -> None:
    told = training(lambda model, seed: 5.0 + seed)
    grid = ["optim.lr=0.05,0.1", "model.connection=add,highway"]
    found = compare(["resnet20", "resnet32"], grid=grid, seeds=2, runs=tmp_path)
    arms = [f"lr-{lr}-connection-{name}" for lr in (0.05, 0.1) for name in ("add", "highway")]
    assert [group.label for group in found.groups] == [
        f"digits-{name}-{arm}" for name in ("resnet20", "resnet32") for arm in arms
    ]
    config = Run(tmp_path / "digits-resnet32-lr-0.05-connection-highway/seed-1").config
    assert (config.model.name, config.optim.lr, config.model.connection) == ("resnet32", 0.05, "highway")
    assert [*found.protocol.differing["optim.lr"].values()] == 2 * [0.05, 0.05, 0.1, 0.1]
    compare(["resnet20"], grid=["optim.lr=0.1", "model.connection=add,none"], seeds=2, runs=tmp_path)
    assert len(told.trained) == 18, "a setting that is there is not trained again"


def test_a_grid_of_one_network_can_be_decided(tmp_path: Path, training: Told) -> None:
    told = training(lambda _, seed: 5.0 + 0.1 * seed)
    compare(["resnet20"], grid=["optim.lr=0.05,0.1"], until_decided=True, seeds=4, runs=tmp_path)
    assert len(told.trained) == 8


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet20", {"grid": ["compute.threads=1,2"]}, "--grid: compute.threads decides only where and how"),
        ("resnet20", {"grid": ["optim.lr=0.1,-1"]}, "--grid optim.lr: found -1"),
        ("resnet20", {"grid": ["optim.lr=0.1", "optim.lr=0.2"]}, "optim.lr is given twice"),
        ("resnet20:width=8", {"grid": ["model.width=8,16"]}, "--grid model.width=8: .* says that itself"),
        ("resnet20", {"grid": ["model.width=8,16"], "match": "params"}, "leave one out"),
    ],
)
def test_what_is_no_grid_is_refused(
    tmp_path: Path, training: Told, name: str, options: dict[str, Any], message: str
) -> None:
    told = training(lambda *_: 5.0)
    with pytest.raises(InputError, match=message):
        compare([name, "plain20"], runs=tmp_path, **options)
    assert not told.trained
