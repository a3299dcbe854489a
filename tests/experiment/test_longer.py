"""A finished run is given more epochs: the same bits as a longer one, and what was stays in its history."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from skiprun.claims.comparison import compare_runs
from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.errors import CheckpointError, InputError, OtherData, RunLengthened, RunTaken, StorageError
from skiprun.experiment.longer import lengthen
from skiprun.run import Run
from skiprun.training.checkpoint_file import load
from skiprun.training.schedule import learning_rate
from tests.support.compare import assert_same, timeless
from tests.support.faulty import (
    KILLED,
    KillAfterStep,
    SignalAfterStep,
    assert_same_runs,
    fault_config,
    finish,
    kill_at,
    start,
    tiny_dataset,
    train_here,
    trial,
)


@pytest.fixture(autouse=True)
def tiny() -> Iterator[None]:
    """The dataset of these runs: a run is made longer only where its data is there."""
    with tiny_dataset():
        yield


def config(kind: str, epochs: float = 2, **schedule: Any) -> RunConfig:
    return fault_config(schedule={"kind": kind, "epochs": epochs, **schedule})


def trained(runs: Path, kind: str = "constant", **schedule: Any) -> Run:
    return train_here(config(kind, **schedule), runs)


@pytest.mark.parametrize(("kind", "schedule"), [("constant", {}), ("multistep", {"milestones": [1.0]})])
def test_constant_and_multistep_end_as_if_they_had_been_longer_from_the_start(
    kind: str, schedule: dict[str, Any], tmp_path: Path
) -> None:
    run = trained(tmp_path / "runs", kind, **schedule)
    longer = train_here(lengthen(run, 4, "epochs"), tmp_path / "runs")
    whole = train_here(config(kind, 4, **schedule), tmp_path / "whole")
    assert_same(
        [timeless(row) for row in whole.metrics()], [timeless(row) for row in longer.metrics()], "metrics"
    )
    states = [load(each.checkpoints / "last.pt") for each in (whole, longer)]
    for part in ("model", "optimizer", "best", "final"):
        assert_same(states[0][part], states[1][part], part)
    summaries = [
        each.summary() | {"time": None, "test_scored": None, "metrics_sum": None} for each in (whole, longer)
    ]
    assert summaries[0] == summaries[1]


def test_what_was_stays_in_the_history_and_the_second_scoring_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = trained(tmp_path)
    test = run.summary()["test"]
    longer = lengthen(run, 3, "epochs")
    assert longer == run.config and run.config.schedule.epochs == 3 and run.state == "unfinished"
    assert (
        "will be scored once more" in caplog.messages[-1]
        and f"loss {test['loss']:.4g}" in caplog.messages[-1]
    )
    train_here(longer, tmp_path)
    sessions = run.sessions()
    assert sessions[1]["lengthened"]["test"] == test and sessions[1]["lengthened"]["schedule"]["epochs"] == 2
    assert run.summary()["test_scored"] == 2 and run.summary()["epochs"] == 3
    assert (
        compare_runs([run]).cautions[0]
        == "The test split of run/seed-0 was scored 2 times, as the run was made longer."
    )


@pytest.mark.parametrize("lr", [None, 0.01])
def test_a_cosine_begins_again_at_its_end(
    lr: float | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = trained(tmp_path, "cosine")
    caplog.clear()
    longer = train_here(lengthen(run, 4, "epochs", lr), tmp_path)
    top = lr or 0.05
    assert caplog.messages[0] == f"The cosine begins again at step 8, from lr {top:g}."
    rates = {row["step"]: row["lr"] for row in longer.metrics() if "lr" in row}
    assert rates[8] == pytest.approx(
        0.05 * 0.5 * (1 + torch.pi * 0 + torch.tensor(7 * torch.pi / 8).cos().item())
    )
    assert rates[10] == pytest.approx(top * 0.5 * (1 + torch.tensor(torch.pi / 8).cos().item()))
    again = train_here(lengthen(longer, 5, "epochs", 0.02), tmp_path)
    assert [(each.step, each.lr) for each in again.config.schedule.restarts] == [(8, top), (16, 0.02)]


@pytest.mark.parametrize("kind", ["one_cycle", "wsd"])
def test_what_fell_begins_again(kind: str, tmp_path: Path) -> None:
    longer = train_here(lengthen(trained(tmp_path, kind), 4, "epochs", 0.02), tmp_path)
    rates = {row["step"]: row["lr"] for row in longer.metrics() if "lr" in row}
    assert len(rates) > 8
    for step, rate in rates.items():
        again, done = divmod(int(step or 0) - 1, 8)
        assert rate == learning_rate(config(kind).schedule, 0.02 if again else 0.05, done, 8)


def test_a_wsd_that_has_not_fallen_yet_ends_as_if_it_had_been_longer_from_the_start(tmp_path: Path) -> None:
    short, long = (config("wsd", epochs, warmup=0.5, decay_share=0.5) for epochs in (4, 6))
    paused = train_here(short, tmp_path / "runs", until=0.5)
    longer = train_here(lengthen(paused, 6, "epochs"), tmp_path / "runs")
    assert longer.config == long
    whole = train_here(long, tmp_path / "whole")
    rows = [[timeless(row) for row in run.metrics()] for run in (whole, longer)]
    assert_same(rows[0], rows[1], "metrics")
    assert sum(row.get("lr") == 0.05 for row in rows[0]) > 4


def test_a_wsd_that_began_to_fall_begins_again(tmp_path: Path) -> None:
    short = config("wsd", 4, decay_share=0.5)
    assert lengthen(train_here(short, tmp_path, until=0.75), 6, "epochs").schedule.restarts[0].step == 16


def test_the_first_cycle_of_a_cosine_is_as_it_was() -> None:
    before, after = (
        config("cosine", 2, warmup=0.5),
        config("cosine", 4, warmup=0.5, restarts=[{"step": 8, "lr": 0.1}]),
    )
    for step in range(8):
        assert learning_rate(before.schedule, 0.05, step, 8, 4) == learning_rate(
            after.schedule, 0.05, step, 16, 4
        )
    assert learning_rate(after.schedule, 0.05, 8, 16, 4) == 0.1


def test_an_unfinished_run_is_made_longer_too(tmp_path: Path) -> None:
    assert trial(config("cosine"), tmp_path / "runs", progress=SignalAfterStep(5, 15)) == 143
    run = Run.of(tmp_path / "runs", config("cosine"))
    train_here(lengthen(run, 3, "epochs"), tmp_path / "runs")
    parts = train_here(lengthen(trained(tmp_path / "whole", "cosine"), 3, "epochs"), tmp_path / "whole")
    assert_same(
        [timeless(row) for row in parts.metrics()], [timeless(row) for row in run.metrics()], "metrics"
    )
    assert run.summary()["test_scored"] == 1


def lengthen_here(runs: Path) -> None:
    with tiny_dataset():
        lengthen(Run.of(runs, config("cosine")), 4, "epochs")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a run that was made longer without an interruption."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    run = trained(runs, "cosine")
    lengthen_here(runs)
    train_here(run.config, runs)
    return runs


@pytest.mark.parametrize(
    "kill",
    [
        kill_at("skiprun.run:Run.record_environment", 1),
        kill_at("skiprun.run:Run.record_environment", 1, before=False),
        kill_at("skiprun.experiment.longer:write_text", 1),
        kill_at("skiprun.experiment.longer:write_text", 1, before=False),
    ],
    ids=["before the history", "after it", "before the config", "after it"],
)
def test_a_kill_while_a_run_is_made_longer_loses_nothing(kill: Any, whole: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    trained(runs, "cosine")
    child = start(config("cosine"), runs, kill, partial(lengthen_here, runs))
    child.join(60)
    assert child.exitcode == KILLED
    longer = lengthen(Run.of(runs, config("cosine")), 4, "epochs")
    assert longer.schedule.epochs == 4 and len(longer.schedule.restarts) == 1
    finish(longer, runs)
    again = Run.of(runs, longer)
    assert [entry["lengthened"]["test"] is not None for entry in again.lengthenings()] == [True]
    assert_same_runs(whole, runs, longer)


class Cut(BaseException):
    """What no handler in the product catches."""


def cut_at(change: int, patch: pytest.MonkeyPatch) -> None:
    """Raise instead of the nth time that a file gets its name or loses it."""
    changes = itertools.count()

    def changing(original: Any) -> Any:
        def changed(*given: Any, **options: Any) -> Any:
            if next(changes) == change:
                raise Cut
            return original(*given, **options)

        return changed

    for name in ("replace", "unlink"):
        patch.setattr(Path, name, changing(getattr(Path, name)))


def lengthened(run: Run, caplog: pytest.LogCaptureFixture) -> tuple[Any, ...]:
    """Make a run longer, and return all that was said and written."""
    caplog.clear()
    longer = lengthen(run, 4, "epochs", 0.02)
    return (
        longer,
        caplog.messages,
        [entry["lengthened"] for entry in run.lengthenings()],
        run.config_file.read_text(),
    )


def test_wherever_making_a_run_longer_is_cut_off_the_same_call_ends_with_the_same_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trained(tmp_path / "runs", "cosine")
    shutil.copytree(tmp_path / "runs", tmp_path / "whole")
    expected = lengthened(Run.of(tmp_path / "whole", config("cosine")), caplog)
    for change in itertools.count():
        shutil.copytree(tmp_path / "runs", tmp_path / str(change))
        run = Run.of(tmp_path / str(change), config("cosine"))
        try:
            with pytest.MonkeyPatch.context() as patch:
                cut_at(change, patch)
                lengthened(run, caplog)
        except Cut:
            assert lengthened(run, caplog) == expected and not run.summary_file.exists()
        else:
            break
    assert change > 3


def test_a_run_that_was_cut_off_and_finished_in_its_old_length_keeps_count(tmp_path: Path) -> None:
    run = trained(tmp_path)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cut):
        patch.setattr("skiprun.experiment.longer.write_text", lambda *given: (_ for _ in ()).throw(Cut))
        lengthen(run, 3, "epochs")
    assert trained(tmp_path).summary()["test_scored"] == 2
    train_here(lengthen(run, 3, "epochs"), tmp_path)
    assert run.summary()["test_scored"] == 3


def test_a_kill_while_the_longer_run_trains_ends_with_the_same_bits(whole: Path, tmp_path: Path) -> None:
    longer = lengthen(trained(tmp_path / "runs", "cosine"), 4, "epochs")
    assert trial(longer, tmp_path / "runs", progress=KillAfterStep(11)) == KILLED
    assert lengthen(Run.of(tmp_path / "runs", longer), 4, "epochs") == longer
    finish(longer, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", longer)


@pytest.mark.parametrize(
    ("length", "unit", "lr", "says"),
    [
        (8, "steps", None, "counts epochs; give --epochs"),
        (1, "epochs", None, "has 2 already; give the whole length"),
        (0, "epochs", None, "has 2 already; give the whole length"),
        (float("nan"), "epochs", None, "has 2 already; give the whole length"),
        (4, "epochs", 0.1, "the constant schedule of .* goes on"),
        (4, "epochs", 0.0, "a learning rate is above 0"),
        (4, "epochs", float("nan"), "a learning rate is above 0"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    length: float, unit: Any, lr: float | None, says: str, tmp_path: Path
) -> None:
    run = trained(tmp_path)
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match=says):
        lengthen(run, length, unit, lr)
    assert {file: file.read_bytes() for file in before} == before


def test_a_rate_that_comes_too_late_is_refused(tmp_path: Path) -> None:
    run = trained(tmp_path, "cosine")
    lengthen(run, 3, "epochs", 0.02)
    with pytest.raises(InputError, match=r"begins again from lr 0\.02"):
        lengthen(run, 3, "epochs", 0.03)


def test_a_cosine_stretched_by_hand_is_another_experiment(tmp_path: Path) -> None:
    run = trained(tmp_path, "cosine")
    run.summary_file.unlink()
    run.config_file.write_text(run.config_file.read_text().replace("epochs: 2.0", "epochs: 4.0"))
    with pytest.raises(CheckpointError, match=r"schedule\.epochs: 2\.0 -> 4\.0"):
        train_here(run.config, tmp_path)


def test_a_longer_schedule_goes_on_and_no_other_does() -> None:
    short = config("constant").schedule
    assert config("constant", 3).schedule.extends(short) and not short.extends(short)
    assert not config("constant", 3, warmup=1).schedule.extends(short)
    assert not config("cosine", 3).schedule.extends(short)


def test_train_says_of_the_longer_run_under_the_short_config_that_it_was_made_longer(tmp_path: Path) -> None:
    run = trained(tmp_path)
    lengthen(run, 3, "epochs")
    way_on = f"2 -> 3 epochs on .* It is unfinished; `skiprun resume {run.path}` goes on"
    with pytest.raises(RunLengthened, match=way_on) as refused:
        trained(tmp_path)
    assert "--fresh" not in str(refused.value)
    train_here(lengthen(run, 4, "epochs"), tmp_path)
    with pytest.raises(RunLengthened, match=r"2 -> 4 epochs on .* It is finished; `skiprun evaluate"):
        trained(tmp_path)
    with pytest.raises(RunTaken, match=r"schedule\.warmup") as taken:
        trained(tmp_path, warmup=1)
    assert not isinstance(taken.value, RunLengthened)


def test_data_that_is_not_the_runs_own_changes_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(tmp_path)
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    monkeypatch.setattr("tests.support.faulty.NOISE", 1)
    with pytest.raises(OtherData):
        lengthen(run, 3, "epochs")
    assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before


def test_of_a_damaged_summary_one_thing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = trained(tmp_path)
    run.summary_file.write_text("{")
    caplog.clear()
    with pytest.raises(StorageError, match=r"damaged, .*; delete it, and `skiprun resume"):
        train_here(config("constant"), tmp_path)
    assert not caplog.messages
    run.summary_file.unlink()
    assert train_here(config("constant"), tmp_path).summary()["test_scored"] == 1


def test_a_run_without_a_checkpoint_is_not_made_longer(tmp_path: Path) -> None:
    run = Run.create(tmp_path, config("constant"))
    with pytest.raises(InputError, match="no checkpoint to go on from"):
        lengthen(run, 3, "epochs")


@pytest.mark.parametrize("given", ["--verify 2 --epochs 3", "--epochs 0 --steps 9", "--lr 1", "--lr 0"])
def test_options_that_mean_nothing_together_are_refused(given: str) -> None:
    refused = CliRunner().invoke(app, ["resume", "run", *given.split()])
    assert isinstance(refused.exception, InputError)
