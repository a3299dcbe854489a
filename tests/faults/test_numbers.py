"""Numbers that are not finite (F69, F70), real signals, and which faults cannot happen here.

Every row of the list of faults F1 to F72 has a test with its number in the id, or a reason here:

=====
==========================================================================================================
F11    a worker that hangs: batches are made in the training process; the processes that decode images end or
die
F12    a rank that dies: one process trains one run, there are no ranks
F13    SIGTERM to a launcher of ranks: no ranks
F25    a missing checksum file: the checksum is inside the checkpoint, as the comment of its zip archive
F42    /dev/shm full: nothing is shared between processes
F71    a loss scale that collapses: precision is fp32 or bf16, which needs no scale
=====
==========================================================================================================
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config_file import load_config
from skiprun.errors import Diverged
from skiprun.experiment import train
from skiprun.run import Run
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint_file import load
from skiprun.training.state import find_not_finite
from tests.support import CONFIGS, ROOT
from tests.support.corpus import CORPUS, row_of
from tests.support.faulty import fault_config, train_here

CONFIG = fault_config(schedule={"epochs": 3})
SMOKE = CONFIGS / "smoke.yaml"


def test_every_fault_has_a_test_or_a_reason() -> None:
    words = re.findall(
        r"def (test_\w+)|ids=\[([^]]+)\]",
        "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py")),
    )
    names = " ".join([*("".join(pair) for pair in words), *map(row_of, CORPUS)])
    tested = {int(number) for number in re.findall(r"F(\d+)", names)}
    reasons = {int(number) for number in re.findall(r"^F(\d+) ", __doc__ or "", re.MULTILINE)}
    assert tested | reasons == set(range(1, 73))
    assert not reasons & tested


def poisoned(where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Diverged:
    """Train with something that is not finite from step 7 on, and return the error."""
    from skiprun.training.trainer import Trainer

    step = Trainer.train_step

    def poison(trainer: Trainer) -> None:
        if trainer.step == 6:
            weight = trainer.trainable[0]
            if where == "loss":
                loss = trainer.task.loss
                monkeypatch.setattr(trainer.task, "loss", lambda *given: loss(*given) * math.nan)
            elif where == "gradient":
                weight.register_hook(lambda gradient: gradient.clone().fill_(math.inf))
        step(trainer)

    monkeypatch.setattr(Trainer, "train_step", poison)
    with pytest.raises(Diverged) as caught:
        train_here(CONFIG, tmp_path)
    return caught.value


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_F69_F70_what_is_not_finite_ends_the_run_and_the_last_good_checkpoint_stays(
    where: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = poisoned(where, monkeypatch, tmp_path)
    assert error.exit_code == 3
    assert re.fullmatch(
        r"The (loss|network's \S+) is not finite at step [78] \(lr 0\.0\d+\); "
        r"the checkpoint of step 4 is kept\. "
        r"Try a lower optim\.lr, a longer schedule\.warmup or optim\.clip_norm\.",
        str(error),
    )
    run = Run.of(tmp_path, CONFIG)
    assert (run.state, run.message) == ("diverged", str(error))
    assert load(run.checkpoints / "last.pt")["step"] == 4


def test_F69_a_learning_rate_beyond_reason_ends_with_3(tmp_path: Path) -> None:
    config = fault_config(optim={"lr": 1e20}, schedule={"epochs": 3})
    with pytest.raises(Diverged, match="no checkpoint is there") as caught:
        train_here(config, tmp_path)
    assert "is not finite at step" in str(caught.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_tensor_that_is_not_finite_is_named(bad: float) -> None:
    tensors = {"a": torch.ones(3), "count": torch.tensor(3), "none": torch.ones(0), "b": torch.ones(2, 2)}
    assert find_not_finite(tensors) is None
    assert find_not_finite({"huge": torch.full((1000,), 3e38)}) is None
    tensors["b"][1, 1] = bad
    assert find_not_finite(tensors) == "b"
    assert find_not_finite({}) is None


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Train the smoke config."""
    return skiprun(folder, "train", str(SMOKE), *arguments)


def skiprun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the command line in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "skiprun", *arguments],
        cwd=folder,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(process: Any, file: Path) -> None:
    until = time.monotonic() + 120
    while not file.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_F8_a_signal_to_the_whole_group_stops_all_training_processes_with_their_work_saved(
    number: int, tmp_path: Path
) -> None:
    long = ["--set", "schedule.epochs=400", "--set", "log.tensorboard=false"]
    process = skiprun(tmp_path, "compare", "plain20", "resnet20", "--jobs", "2", *long)
    runs = [Run(tmp_path / f"runs/digits-{name}/seed-0") for name in ("plain20", "resnet20")]
    for run in runs:
        wait_for(process, run.checkpoints / "last.pt")
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    for run in runs:
        step = load(run.checkpoints / "last.pt")["step"]
        assert (run.state, run.message.split(";")[0]) == ("stopped", f"Stopped after step {step}")


class Enough(NullProgress):
    """Progress that ends a run after its first step."""

    def step(self, step: int, steps: int) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("numbers", "code"),
    [((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGHUP,), 129)],
    ids=["F6-twice", "F9-hangup"],
)
def test_F6_F9_the_command_line_under_signals(
    numbers: tuple[int, ...], code: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As a kill, of which `tests/cli/test_cli.py` tells."""
    long = ["schedule.epochs=300", "log.tensorboard=false", "compute.compile=off"]
    process = start(tmp_path, *(word for each in long for word in ("--set", each)))
    run = Run(tmp_path / "runs/smoke/seed-0")
    wait_for(process, run.checkpoints / "last.pt")
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    step = load(run.checkpoints / "last.pt")["step"]
    assert step >= 20
    with pytest.raises(KeyboardInterrupt):
        train(load_config(SMOKE, long), runs=tmp_path / "runs", progress=Enough())
    assert any(f"Continuing after step {step} " in message for message in caplog.messages)
