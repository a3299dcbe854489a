"""The learning rate finder: which rates it tries, what it suggests, and that it leaves no run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import InputError
from skiprun.experiment.lr_find import RateRange, find_rate
from skiprun.experiment.train import train
from skiprun.results.rate_curve import Point, RateCurve


def digits(**sections: object) -> RunConfig:
    plain = {
        "name": "small",
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "digits", "batch_size": 32, "augment": {"flip": True}},
        "schedule": {"steps": 2, "kind": "constant"},
        "optim": {"lr": 1e-4},
        "compute": {"precision": "fp32", "threads": 1, "compile": "off"},
        "log": {"every": 1, "tensorboard": False},
    }
    return build_config(plain | sections)


def curve(points: list[Point], diverged: bool = False) -> RateCurve:
    return RateCurve("made up", "sgd", points, 10.0, diverged)


def falling(lowest: float, steps: int = 100) -> list[Point]:
    """Return a loss of 2 that falls towards a rate, and rises steeply behind it."""
    rates = [10 ** (-6 + 7 * step / (steps - 1)) for step in range(steps)]
    return [
        (rate, 2 - 1.8 / (1 + (lowest / rate) ** 2) if rate <= lowest else 1.1 * (rate / lowest) ** 2)
        for rate in rates
    ]


@pytest.mark.parametrize("lowest", [1e-3, 1e-2, 0.5])
def test_the_suggestion_is_a_tenth_of_the_rate_of_the_lowest_loss(lowest: float) -> None:
    found = curve(falling(lowest))
    assert found.suggestion is not None and abs(math.log10(found.suggestion / (lowest / 10))) < 0.25
    assert found.ran_away_at is not None
    assert found.sentences[0] == f"Suggested for sgd: optim.lr={found.suggestion:g}"
    assert found.sentences[-1].startswith("At 10 the loss ran away")


def test_a_loss_that_hardly_falls_suggests_nothing() -> None:
    flat = curve([(10 ** (-6 + step / 15), 2.5 - 0.1 * (step > 50)) for step in range(100)])
    assert flat.suggestion is None and flat.ran_away_at is None
    assert flat.sentences[0].startswith("No rate is suggested")
    assert "did not run away up to 10" in flat.sentences[-1]


def test_a_loss_that_is_not_finite_ran_away() -> None:
    found = curve([(0.01, 2.0), (0.1, 1.0)], diverged=True)
    assert found.ran_away_at == 0.1 and found.sentences[-1].endswith("it was not finite.")


def test_rates_rise_by_one_factor_and_the_steps_are_those_of_a_run(tmp_path: Path) -> None:
    found = find_rate(digits(), RateRange(1e-4, 1e-1, 4), tmp_path)
    assert [rate for rate, _ in found.points] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert list(tmp_path.iterdir()) == []
    run = train(digits(), runs=tmp_path)
    losses = [row["train/loss"] for row in run.rows() if "lr" in row]
    assert [loss for _, loss in found.points][:2] == losses, "the first step has the same rate"


def test_it_stops_where_the_loss_runs_away(tmp_path: Path) -> None:
    found = find_rate(digits(), RateRange(1e-3, 1e6, 20), tmp_path)
    assert found.ran_away_at is not None and len(found.points) < 20


@pytest.mark.parametrize("pair", [(0.1, 0.1), (1.0, 0.1), (0.0, 1.0), (math.nan, 1.0)])
def test_a_range_that_does_not_rise_is_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="must rise"):
        RateRange(*pair, steps=20)


def test_the_command_writes_its_result_and_no_run(tmp_path: Path) -> None:
    words = ["lr-find", "resnet20", "model.width=4", "data.batch_size=32", "compute.threads=1"]
    result = CliRunner().invoke(app, [*words, "--steps", "20", "--json", "--runs", str(tmp_path)])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    folder = Path(said["picture"]).parent
    assert folder.parent == tmp_path / "lr-find" and list(tmp_path.iterdir()) == [folder.parent]
    assert {file.suffix for file in folder.iterdir()} >= {".json", ".png", ".md"}
    assert said["curve"][0]["lr"] == pytest.approx(1e-6)


def test_two_configs_are_one_too_many() -> None:
    result = CliRunner().invoke(app, ["lr-find", "resnet20", "plain20"])
    assert isinstance(result.exception, InputError)
