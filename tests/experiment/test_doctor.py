"""`skiprun doctor` and `skiprun resume`: what they find, what they leave, and how they end."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.errors import CheckpointError
from skiprun.experiment.doctor import examine
from skiprun.experiment.replay import replay
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint_file import load, save
from tests.faults.test_checkpoints import content
from tests.support.command_line import exit_code
from tests.support.faulty import EVERYTHING, assert_same_runs, fault_config, tiny_dataset, train_here

CONFIG = fault_config(**EVERYTHING, schedule={"epochs": 3})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a finished run."""
    runs = tmp_path_factory.mktemp("trained") / "runs"
    train_here(CONFIG, runs)
    return runs


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """A copy of the finished run."""
    shutil.copytree(trained, tmp_path / "runs")
    return Run.of(tmp_path / "runs", CONFIG)


def again(run: Run, steps: int) -> Any:
    with tiny_dataset():
        return replay(run, steps)


def call(*arguments: str) -> int:
    with tiny_dataset():
        return exit_code(*arguments)


def test_verify_finds_the_same_bits_and_changes_nothing(run: Run) -> None:
    before = content(run.path)
    found = again(run, 4)
    assert (found.first, found.last, found.weights, found.differs) == (8, 12, True, None)
    assert found.rows >= 2
    assert content(run.path) == before


def test_verify_of_fewer_steps_compares_the_records(run: Run) -> None:
    found = again(run, 2)
    assert (found.last, found.rows, found.weights, found.differs) == (10, 1, False, None)


def test_verify_without_a_previous_checkpoint_begins_at_the_start(run: Run) -> None:
    (run.checkpoints / "previous.pt").unlink()
    found = again(run, 100)
    assert (found.first, found.last, found.weights, found.differs) == (0, 12, True, None)


def test_verify_trains_with_the_threads_that_the_run_had(run: Run) -> None:
    (run.checkpoints / "previous.pt").unlink()
    save(run.checkpoints / "last.pt", load(run.checkpoints / "last.pt") | {"threads": 3})
    before = torch.get_num_threads()
    try:
        again(run, 1)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_verify_names_the_first_tensor_that_differs(run: Run) -> None:
    state = load(run.checkpoints / "last.pt")
    state["ema_model"]["module.layer1.0.conv1.weight"][0, 0, 0, 0] += 1.5e-3  # float32 rounds the sum
    save(run.checkpoints / "last.pt", state)
    assert again(run, 4).differs.startswith("ema_model.module.layer1.0.conv1.weight: by 0.001")


def test_verify_names_the_first_number_that_differs(run: Run) -> None:
    rows = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    for row in rows:
        if row["step"] == 10 and "lr" in row:
            row["train/loss"] += 1e-6
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert again(run, 4).differs.startswith("train/loss at step 10: ")


def test_verify_names_a_damaged_checkpoint_by_its_own_path(run: Run) -> None:
    for name in ("best.pt", "previous.pt"):  # the later one is looked at first
        (run.checkpoints / name).write_bytes(b"x" * 500)
        with pytest.raises(CheckpointError, match=rf"{run.checkpoints}/{name}: damaged"):
            again(run, 4)


def test_verify_tells_of_what_bits_depend_on(run: Run) -> None:
    save(run.checkpoints / "previous.pt", load(run.checkpoints / "previous.pt") | {"torch": "1.0"})
    assert again(run, 2).notes[0].startswith("Not bit-identical to an uninterrupted run: torch 1.0 -> ")


def test_resume_verify_prints_and_exits(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("resume", str(run.path), "--verify", "4") == 0
    assert "weights and optimizer: the same bits." in capsys.readouterr().out
    state = load(run.checkpoints / "last.pt")
    state["model"]["conv1.weight"] *= 2
    save(run.checkpoints / "last.pt", state)
    assert call("resume", str(run.path), "--verify", "4", "--json") == 1
    assert json.loads(capsys.readouterr().out)["differs"].startswith("model.conv1.weight: by ")


def test_resume_continues_from_the_runs_own_config(trained: Path, tmp_path: Path) -> None:
    class Stop(NullProgress):
        def step(self, step: int, steps: int) -> None:
            if step == 6:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_here(CONFIG, tmp_path / "runs", progress=Stop())
    assert call("resume", str(tmp_path / "runs" / "run"), "--quiet") == 0
    assert_same_runs(trained, tmp_path / "runs", CONFIG)


def test_resume_of_a_run_that_was_moved_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    moved = run.path.with_name("seed-9")
    run.path.rename(moved)
    assert call("resume", str(moved)) == 2
    assert "its config.yaml says run/seed-0" in capsys.readouterr().err


def test_doctor_foresees_a_run_and_leaves_nothing(tmp_path: Path) -> None:
    config = fault_config(**EVERYTHING, schedule={"epochs": 3}, log={"every": 2, "tensorboard": True})
    with tiny_dataset():
        checks = {check.name: check for check in examine(config, tmp_path / "runs")}
    assert {check.state for check in checks.values()} == {"ok"}, checks
    assert list(checks) == [
        *("versions", "device", "runs folder", "cache", "TensorBoard"),
        *("run", "data and network", "disk", "training"),
    ]
    assert torch.__version__ in checks["versions"].finding
    assert "ms a step" in checks["training"].finding and "12 steps in about" in checks["training"].finding
    assert not list(tmp_path.iterdir())


def test_doctor_does_not_change_what_training_does(trained: Path, tmp_path: Path) -> None:
    with tiny_dataset():
        list(examine(CONFIG, tmp_path / "runs"))
    train_here(CONFIG, tmp_path / "runs")
    assert_same_runs(trained, tmp_path / "runs", CONFIG)


def test_doctor_exits_with_the_code_of_what_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "cifar.yaml"
    config.write_text("model: {name: resnet20}\ndata: {name: cifar10}\nschedule: {epochs: 1}\n")
    assert call("doctor", str(config), "--runs", str(tmp_path / "runs"), "--json") == 2
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 2
    assert [check["name"] for check in document["checks"] if check["state"] == "fail"] == ["data and network"]
    (tmp_path / "file").write_text("")
    assert call("doctor", "--runs", str(tmp_path / "file")) == 6
    assert call("doctor", str(tmp_path / "none.yaml")) == 2


def test_doctor_tells_that_tensorboard_is_missing_where_the_run_would_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    found = {check.name: check for check in examine(None, tmp_path)}["TensorBoard"]
    assert (found.state, found.exit_code) == ("fail", 1)
    assert (
        found.finding.startswith("TensorBoard cannot be imported (")
        and "log.tensorboard=false" in found.finding
    )
    with tiny_dataset():
        assert {check.state for check in examine(CONFIG, tmp_path)} == {"ok"}


def test_doctor_tells_of_a_disk_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skiprun.experiment.room.free_bytes", lambda path: 1000)
    with tiny_dataset():
        found = {check.name: check for check in examine(CONFIG, tmp_path)}["disk"]
    assert (found.state, found.exit_code) == ("fail", 6)
    assert "and 0.0 MB are free. Make room" in found.finding


def test_doctor_tells_of_another_experiment_in_the_directory(run: Run) -> None:
    other = fault_config(schedule={"epochs": 5})
    with tiny_dataset():
        found = {check.name: check for check in examine(other, run.path.parent.parent)}
    assert (found["run"].state, found["run"].exit_code) == ("fail", 5)
    assert "schedule.epochs: 3.0 -> 5.0" in found["run"].finding
