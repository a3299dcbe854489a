"""Killed processes (F1 to F4, F16, F18, F34): a run killed anywhere and continued ends with the same bits.

Each trial is a process with a real SIGKILL and a second process that continues, compared with a run that
nobody
touched: weights, average, optimizer, best.pt, metrics.jsonl and summary.json, to the last bit.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from skiprun.run import Run
from skiprun.training.checkpoint import Checkpoints
from tests.soak import soak
from tests.support.faulty import (
    EVERYTHING,
    KILLED,
    STEPS,
    KillAfterStep,
    SignalAfterStep,
    assert_same_runs,
    fault_config,
    finish,
    kill_at,
    kill_at_line_of_save,
    kill_in_write,
    start,
    train_here,
    trial,
)

CONFIGS: dict[str, dict[str, Any]] = {
    "everything": EVERYTHING,
    "plain-sgd": {},
    "stochastic-depth": {"model": EVERYTHING["model"]},
    "dropout": {"model": EVERYTHING["model"] | {"connection": "shortcut_dropout"}},
    "ema": {"optim": {"lr": 0.05, "ema": 0.9}},
    "accumulation": {"optim": {"lr": 0.05, "accumulate": 4}},
    "mixup": {"data": EVERYTHING["data"]},
    "adamw": {"optim": {"name": "adamw", "lr": 0.01}},
    "uneven-epochs": {"data": EVERYTHING["data"] | {"batch_size": 12}, "optim": {"lr": 0.05}},
    "tensorboard": {"log": {"every": 2, "tensorboard": True}, "schedule": {"epochs": 3}},
}
PARTS_OF_EVERYTHING = ("plain-sgd", "stochastic-depth", "ema", "accumulation", "mixup")
# Named points: what is about to happen, or has just happened, when the process dies.
POINTS: dict[str, tuple[str, int, bool]] = {
    "after-backward": ("torch:Tensor.backward", 23, False),
    "after-optimizer-step": ("skiprun.training.optim:SGD.step", 11, False),
    "in-validation": ("skiprun.training.evaluation:evaluate_batches", 3, True),
    "before-a-row": ("skiprun.training.metrics:MetricsLog.append", 9, True),
    "after-the-epoch-row": ("skiprun.training.metrics:MetricsLog.append", 12, False),
    "before-best": ("skiprun.training.checkpoint:Checkpoints.save_best", 2, True),
    "between-best-and-last": ("skiprun.training.checkpoint:Checkpoints.save_best", 2, False),
    "after-a-save": ("skiprun.training.checkpoint:Checkpoints.save_last", 4, False),
    "before-the-first-save": ("skiprun.training.checkpoint:Checkpoints.save_last", 1, True),
    "after-the-last-save": ("skiprun.training.checkpoint:Checkpoints.save_last", 5, False),
    "before-the-test": ("skiprun.training.trainer:Trainer.test", 1, True),
    "after-the-test": ("skiprun.training.trainer:Trainer.test", 1, False),
    "before-the-summary": ("skiprun.run:Run.finish", 1, True),
    "after-the-summary": ("skiprun.run:Run.finish", 1, False),
    "before-the-config": ("skiprun.system.files:write_stream", 1, True),
    "before-the-status": ("skiprun.run:Run.record_status", 1, True),
    "between-the-last-status-and-the-summary": ("skiprun.run:Run.record_status", 2, False),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the runs folder of an uninterrupted run of a config, trained when first asked for."""

    @lru_cache
    def trained(name: str) -> Path:
        runs = tmp_path_factory.mktemp("whole") / "runs"
        finish(fault_config(**CONFIGS[name]), runs)
        return runs

    return trained


def die_and_continue(name: str, whole: Callable[[str], Path], folder: Path, *deaths: Any) -> None:
    """Die once for each of the deaths, then continue to the end and compare."""
    config = fault_config(**CONFIGS[name])
    for death in deaths:
        told = {"progress": death} if isinstance(death, KillAfterStep) else {}
        assert trial(config, folder / "runs", *(() if told else (death,)), **told) == KILLED
        assert Run.of(folder / "runs", config).state in (
            "unfinished",
            "finished",
        )  # F16: the lock is free at once
    finish(config, folder / "runs")
    assert_same_runs(whole(name), folder / "runs", config)


@pytest.mark.parametrize(
    "step",
    # Those before the first checkpoint, around the second, and the last.
    [
        step if step in (1, 3, 4, 5, 8, 9, STEPS) else pytest.param(step, marks=pytest.mark.slow)
        for step in range(1, STEPS + 1)
    ],
)
def test_F1_killed_after_any_step(step: int, whole: Callable[[str], Path], tmp_path: Path) -> None:
    die_and_continue(
        "everything", whole, tmp_path, KillAfterStep(step)
    )  # F4: steps 1 to 3 are before any checkpoint


@pytest.mark.parametrize(
    "point",
    [pytest.param(each, marks=[pytest.mark.slow] * (number % 2)) for number, each in enumerate(POINTS)],
)
def test_F1_killed_at_a_named_point(point: str, whole: Callable[[str], Path], tmp_path: Path) -> None:
    die_and_continue("everything", whole, tmp_path, kill_at(*POINTS[point]))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in PARTS_OF_EVERYTHING else ())
        for name in CONFIGS
        if name != "everything"
    ],
)
def test_F1_killed_and_the_continuation_killed_again(
    name: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    die_and_continue(
        name, whole, tmp_path, KillAfterStep(5), kill_at("torch:Tensor.backward", 3), KillAfterStep(11)
    )


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_F2_F34_killed_before_the_lines_of_a_save(stride: int, tmp_path: Path) -> None:
    config = fault_config(**EVERYTHING, schedule={"epochs": 4})
    finish(config, tmp_path / "whole" / "runs")
    for line in range(1, 200, stride):
        runs = tmp_path / str(line) / "runs"
        code = trial(config, runs, kill_at_line_of_save(3, line))
        if code == 0:
            break
        assert code == KILLED
        saved = Checkpoints(Run.of(runs, config).checkpoints).load_last()[0]
        assert saved and saved["step"] in (8, 12), line  # the save before, or this one: never less
        finish(config, runs)
        assert_same_runs(tmp_path / "whole" / "runs", runs, config)
    assert line > 20


@pytest.mark.parametrize(
    "write", [pytest.param(each, marks=[pytest.mark.slow] * (each % 3 != 1)) for each in range(1, 12)]
)
def test_F2_killed_in_the_middle_of_a_write(write: int, whole: Callable[[str], Path], tmp_path: Path) -> None:
    die_and_continue("everything", whole, tmp_path, kill_in_write(write))


@pytest.mark.parametrize("number", range(10))
def test_F3_killed_at_random_times(number: int, whole: Callable[[str], Path], tmp_path: Path) -> None:
    config, chance = fault_config(**CONFIGS["everything"]), random.Random(number)
    for _ in range(2):
        child = start(config, tmp_path / "runs")
        time.sleep(chance.uniform(0.02, 0.5))
        child.kill()
        child.join()
    finish(config, tmp_path / "runs")
    assert_same_runs(whole("everything"), tmp_path / "runs", config)


def clock_back() -> None:
    """Set the clock an hour back, as far as Python sees."""
    now = time.time
    time.time = lambda: now() - 3600


def test_F18_a_clock_that_goes_back_disturbs_neither_bits_nor_event_files(
    whole: Callable[[str], Path], tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = fault_config(**CONFIGS["tensorboard"])
    assert trial(config, tmp_path / "runs", progress=KillAfterStep(7)) == KILLED
    assert trial(config, tmp_path / "runs", clock_back) == 0
    assert_same_runs(whole("tensorboard"), tmp_path / "runs", config)
    reader = EventAccumulator(str(Run.of(tmp_path / "runs", config).path), size_guidance={"scalars": 0})
    reader.Reload()
    for tag in ("train/loss", "val/error"):
        steps = [point.step for point in reader.Scalars(tag)]
        assert steps == sorted(set(steps))
        assert steps == [row["step"] for row in Run.of(tmp_path / "runs", config).metrics() if tag in row]


def unseeded() -> None:
    """Draw augmentation, dropout and depth from generators that nobody restores."""
    torch.manual_seed(0)
    mock.patch("skiprun.training.trainer.seed_step", lambda seed, step: None).start()


def global_order() -> None:
    """Draw the order of the samples from the global generator."""
    from skiprun.training.sample_order import Shuffled

    Shuffled._permutation = lambda self, epoch: torch.randperm(self.samples)  # type: ignore[method-assign]


def uncut_log() -> None:
    """Leave the log as the dead process left it."""
    from skiprun.training.metrics import MetricsLog

    made = MetricsLog.__init__
    MetricsLog.__init__ = lambda self, path, keep_bytes, views: made(self, path, 10**9, views)  # type: ignore[method-assign]


CONTROLS = {
    "draws-not-seeded-by-step": (unseeded, SignalAfterStep(10, signal.SIGTERM)),
    "order-from-the-global-generator": (global_order, SignalAfterStep(10, signal.SIGTERM)),
    "log-not-cut": (uncut_log, kill_at("skiprun.training.metrics:MetricsLog.sync", 3, before=False)),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_negative_controls_do_not_end_with_the_same_bits(control: str, tmp_path: Path) -> None:
    config, (sabotage, death) = fault_config(**CONFIGS["everything"]), CONTROLS[control]
    assert trial(config, tmp_path / "one" / "runs", sabotage) == 0
    told = {"progress": death} if isinstance(death, SignalAfterStep) else {}
    assert trial(config, tmp_path / "two" / "runs", sabotage, *(() if told else (death,)), **told) in (
        143,
        KILLED,
    )
    assert trial(config, tmp_path / "two" / "runs", sabotage) == 0
    with pytest.raises(AssertionError):
        assert_same_runs(tmp_path / "one" / "runs", tmp_path / "two" / "runs", config)


def test_F4_killed_before_the_first_checkpoint_starts_at_step_0(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = fault_config()
    assert trial(config, tmp_path / "runs", progress=KillAfterStep(2)) == KILLED
    run = Run.of(tmp_path / "runs", config)
    assert run.state == "unfinished"
    assert not list(run.checkpoints.iterdir())
    train_here(config, tmp_path / "runs")
    assert "The run was begun before, but has no checkpoint yet; starting at step 0." in caplog.messages
    sessions = json.loads(run.environment_file.read_text())["sessions"]
    assert len(sessions) == 2


@pytest.mark.slow
def test_F3_the_soak_in_short_loses_nothing() -> None:
    report = soak(seconds=60, kills=4)
    assert report["lives"] >= 1
    assert report["lost"] == report["more files in a run than after the first life"] == 0
