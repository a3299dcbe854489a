"""Early stopping by `schedule.patience`: when a run stops, what it says of that, and how it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.claims.symptom import explain
from skiprun.config import RunConfig
from skiprun.errors import InputError
from skiprun.experiment.longer import lengthen
from skiprun.reports.run_rows import runs_rows
from skiprun.results.progress import rows_until
from skiprun.run import Run
from tests.support.faulty import (
    SignalAfterStep,
    assert_same_runs,
    fault_config,
    tiny_dataset,
    train_here,
    trial,
)

EPOCHS = 12


@pytest.fixture(autouse=True)
def tiny() -> Iterator[None]:
    """The dataset of these runs."""
    with tiny_dataset():
        yield


def config(patience: int | None = 2, kind: str = "constant") -> RunConfig:
    """Return a config that learns nothing after its first steps: its rate is far too small."""
    schedule = {"kind": kind, "epochs": EPOCHS, "patience": patience}
    return fault_config(schedule=schedule, optim={"lr": 1e-12, "momentum": 0.0, "weight_decay": 0.0})


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that stopped early."""
    return train_here(config(), tmp_path_factory.mktemp("runs"))


def validations(run: Run) -> list[tuple[float, float]]:
    rows = (row for row in run.rows() if row.get("epoch_end"))
    return [(float(row["val/error"] or 0), float(row["val/loss"] or 0)) for row in rows]


def test_a_run_stops_after_so_many_epochs_without_a_better_validation(stopped: Run) -> None:
    summary, found = stopped.summary(), validations(stopped)
    best = found.index(min(found))
    assert summary["stopped_early"] is True
    assert len(found) == best + 1 + 2 < EPOCHS
    assert summary["epochs"] == len(found) and summary["best"]["epoch"] == best + 1
    assert stopped.state == "finished" and summary["test"]


def test_tables_and_words_say_that_it_stopped(stopped: Run) -> None:
    assert str(runs_rows([stopped])[0]["progress"]).endswith("epochs, stopped early")
    assert explain(stopped).to_dict()["stopped_early"] is True
    said = compare_runs([stopped]).cautions
    assert any("stopped early in 1 of 1 run" in text and "(schedule.patience)" in text for text in said)


def test_a_rung_behind_the_stop_takes_what_there_is(stopped: Run) -> None:
    assert rows_until(stopped, config().schedule, 0.99) == [
        row for row in stopped.rows() if row.get("epoch_end")
    ]


def test_one_that_was_interrupted_stops_at_the_same_epoch(stopped: Run, tmp_path: Path) -> None:
    assert trial(config(), tmp_path, progress=SignalAfterStep(9, 15)) == 143
    train_here(config(), tmp_path)
    assert_same_runs(stopped.root, tmp_path, config())


def test_it_goes_on_only_where_that_is_asked_for(tmp_path: Path) -> None:
    run = train_here(config(), tmp_path / "runs")
    steps = run.summary()["steps"]
    assert train_here(run.config, tmp_path / "runs").summary()["steps"] == steps
    with pytest.raises(InputError, match="give the whole length"):
        lengthen(run, 1, "epochs")
    longer = lengthen(run, EPOCHS, "epochs")
    assert longer.schedule.patience is None and not longer.schedule.restarts
    done = train_here(longer, tmp_path / "runs").summary()
    assert done["epochs"] == EPOCHS and "stopped_early" not in done and done["test_scored"] == 2
    whole = train_here(config(None), tmp_path / "whole")
    assert validations(whole) == validations(run)


def test_a_schedule_may_lose_its_patience_and_find_none() -> None:
    patient, plain = config().schedule, config(None).schedule
    assert plain.extends(patient) and not patient.extends(plain)
    assert not config(3).schedule.extends(patient)
