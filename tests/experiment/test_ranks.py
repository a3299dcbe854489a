"""One run on several ranks: torchrun starts real processes, which compute what one process computes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from skiprun.config_file import build_config
from skiprun.errors import ConfigError
from skiprun.experiment.shared_run import check_ranks
from skiprun.run import Run
from skiprun.system.machine import interpreter_environment
from skiprun.training.checkpoint_file import load
from tests.support import ROOT
from tests.support.torchrun import IN_FLOAT64, SKIPRUN, config, done, kill_a_rank, saved, started, torchrun

COMPUTE = """
compute: {device: cpu, precision: fp32, compile: "off", threads: 1}
log: {every: 1, tensorboard: false}
"""
LABELS = (
    """
name: labels
model: {name: resnet_cifar, depth: 8, width: 4}
data: {name: digits, batch_size: 32, augment: {crop: 1, mixup: 0.2}}
optim: {ema: 0.9, accumulate: 2, clip_norm: 1.0, label_smoothing: 0.1}
schedule: {steps: STEPS}
"""
    + COMPUTE
)
OVERLAPPED = COMPUTE.replace("{device", "{overlap: true, device")
MASKS = (
    """
name: masks
model: {name: unet, width: 2, depth: 2}
data: {name: cells, batch_size: 8, augment: {flip: true, rot90: true, rotate: 10, elastic: 2, noise: 0.02}}
schedule: {steps: STEPS}
"""
    + OVERLAPPED
)


def alone(*command: object, program: list[str] = SKIPRUN) -> None:
    environment = interpreter_environment() | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *program, *map(str, command)], check=True, env=environment)


def run_at(runs: Path, name: str) -> Run:
    return Run.open(runs / name)


def assert_close(one: Run, other: Run, bound: float) -> None:
    """Compare weights, their average, the optimizer's memory, and all that was logged."""
    mine, theirs = load(one.checkpoints / "last.pt"), load(other.checkpoints / "last.pt")
    for key in ("model", "ema_model", "totals"):
        for name, tensor in (mine[key] or {}).items():
            torch.testing.assert_close(tensor, theirs[key][name], rtol=bound, atol=bound)
    buffers: list[list[Tensor]] = [
        [each["momentum_buffer"] for each in state["optimizer"]["state"].values()] for state in (mine, theirs)
    ]
    torch.testing.assert_close(*buffers, rtol=bound, atol=bound)
    for row, expected in zip(one.metrics(), other.metrics(), strict=True):
        assert numbers(row) == pytest.approx(numbers(expected), rel=max(bound, 1e-6))  # norms are float32
        assert counts(row) == pytest.approx(counts(expected), rel=max(10 * bound, 1e-6))
        assert row.get("train/loss", 0) == pytest.approx(expected.get("train/loss", 0), rel=bound)


COUNTS = ("error", "iou", "dice", "boundary")


def numbers(row: Any) -> dict[str, float]:
    """Return losses, norms and rates."""
    return {tag: row[tag] for tag in row if not tag.startswith("time/") and not tag.endswith(COUNTS)}


def counts(row: Any) -> dict[str, float]:
    """Return scores that count pixels or images: one at the threshold falls on either side."""
    return {tag: row[tag] for tag in row if tag.endswith(COUNTS)}


def compute_both(folder: Path, steps: int, ranks: int, texts: dict[str, str]) -> None:
    """Compare runs of some ranks with those of one process, in float64."""
    program, bound = IN_FLOAT64, 1e-9
    files = [config(folder / name, text.replace("STEPS", str(steps))) for name, text in texts.items()]
    alone("train", *files, "--runs", folder / "one", "--quiet", program=program)
    scored_again = folder / "several" / "labels"
    shutil.copytree(folder / "one" / "labels", scored_again)
    (scored_again / "seed-0" / "summary.json").unlink()
    renamed = config(folder / "again", files[0].read_text().replace("name: labels", "name: shared", 1))
    printed = done(
        torchrun(ranks, "train", *files, renamed, "--runs", folder / "several", "--quiet", program=program)
    )
    runs_told = [line for line in printed.splitlines() if "test loss" in line]
    assert len(runs_told) == len(files) + 1, "only one rank prints"

    for name in texts:
        several = run_at(folder / "several", name.replace("labels", "shared"))
        assert_close(several, run_at(folder / "one", name), bound)
    # The same weights, scored by several: the same bits, of every image.
    again, one = (run_at(folder / part, "labels") for part in ("several", "one"))
    assert again.summary()["test"] == one.summary()["test"]
    images, expected = (dict(np.load(each.images_file)) for each in (again, one))
    assert images.keys() == expected.keys()
    assert all((images[name] == expected[name]).all() for name in expected)


def test_two_ranks_compute_what_one_process_computes(tmp_path: Path) -> None:
    compute_both(tmp_path, 6, 2, {"labels": LABELS})
    session = run_at(tmp_path / "several", "shared").sessions()[-1]
    assert session["ranks"] == 2
    notes = [line for line in session["command"].split() if line.endswith("config.yaml")]
    assert notes, "the session says how it was started"


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_fifty_steps_in_float64_are_those_of_one_process(tmp_path: Path, ranks: int) -> None:
    compute_both(tmp_path, 50, ranks, {"labels": LABELS, "masks": MASKS})


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("text", [LABELS, MASKS])
def test_five_steps_in_float32_are_those_of_one_process(tmp_path: Path, text: str, ranks: int) -> None:
    """The process sums exactly: where channels are last, torch's batch norm on a CPU sums in float32."""
    file = config(tmp_path, text.replace("STEPS", "5"))
    alone("train", file, "--runs", tmp_path / "one", "--quiet", "--set", "compute.channels_last=false")
    done(torchrun(ranks, "train", file, "--runs", tmp_path / "several", "--quiet"))
    name = file.read_text().split()[1]
    assert_close(run_at(tmp_path / "several", name), run_at(tmp_path / "one", name), 1e-5)


def settings(**sections: Any) -> Any:
    plain = {"model": {"name": "resnet20"}, "data": {"name": "digits", "batch_size": 32}}
    return build_config(plain | {"schedule": {"steps": 1}} | sections)


def test_what_ranks_cannot_share_is_refused_with_the_nearest() -> None:
    check_ranks(settings(), 4)
    with pytest.raises(ConfigError, match=r"found 32, which 3 ranks cannot share evenly.*30 or 33"):
        check_ranks(settings(), 3)
    with pytest.raises(ConfigError, match=r"3 ranks, each in 4 micro-batches,.*24 or 36"):
        check_ranks(settings(optim={"accumulate": 4}), 3)
    with pytest.raises(ConfigError, match="found 'activations', which looks inside"):
        check_ranks(settings(probes=["activations"]), 2)


def test_other_commands_are_not_for_torchrun(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from skiprun.cli import main

    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["skiprun", "compare", "plain20"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "torchrun starts one run on several devices" in capsys.readouterr().err


LONG = LABELS.replace("name: labels", "name: long").replace("every: 1", "every: 10")


def long(runs: Path) -> Run:
    """Return the run of LONG."""
    return Run(runs / "long" / "seed-0")


@pytest.mark.slow
def test_a_killed_rank_ends_the_run_with_one_message_and_it_goes_on(tmp_path: Path) -> None:
    """Five times; then two go on to the bits of a run that nobody killed, and one comes close to them."""
    file, runs = config(tmp_path, LONG.replace("STEPS", "300")), tmp_path / "runs"
    whole = tmp_path / "whole"
    done(torchrun(2, "train", file, "--runs", whole, "--quiet"))
    chance = random.Random(18)
    killed = [kill_a_rank(2, long(runs), chance, "train", file, "--runs", runs) for _ in range(5)]
    assert sum(killed) == 5
    on_one = tmp_path / "on-one"
    shutil.copytree(runs, on_one)
    done(torchrun(2, "train", file, "--runs", runs, "--quiet"))
    alone("train", file, "--runs", on_one, "--quiet")
    ends = [run_at(each, "long") for each in (whole, runs, on_one)]
    assert ends[0].summary()["test"] == ends[1].summary()["test"]
    assert ends[2].summary()["test"]["error"] == pytest.approx(ends[0].summary()["test"]["error"], abs=5)
    states = [load(each.checkpoints / "last.pt")["model"] for each in ends]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])


@pytest.mark.slow
def test_a_signal_to_torchrun_stops_all_after_the_same_step(tmp_path: Path) -> None:
    file, runs = config(tmp_path, LONG.replace("STEPS", "2000")), tmp_path / "runs"
    process = torchrun(2, "train", file, "--runs", runs)
    while saved(long(runs)) == 0.0:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert printed.count("Stopped after step") == 1, printed
    run = run_at(runs, "long")
    assert run.state == "stopped"
    assert load(run.checkpoints / "last.pt")["step"] > 0


@pytest.mark.slow
def test_an_error_of_rank_0_is_told_once_with_its_code(tmp_path: Path) -> None:
    text = LABELS.replace("name: digits", "name: image_folder, root: nowhere").replace("STEPS", "5")
    printed, _ = (process := torchrun(2, "train", config(tmp_path, text))).communicate(timeout=120)
    assert process.returncode == 1  # torchrun's own
    assert printed.count("error: ") == 1, printed
    assert "exitcode  : 2" in printed


@pytest.mark.slow
def test_torchrun_starts_a_killed_run_again(tmp_path: Path) -> None:
    file, runs = config(tmp_path, LONG.replace("STEPS", "200")), tmp_path / "runs"
    process = torchrun(2, "train", file, "--runs", runs, nodes=["--standalone", "--max-restarts", "2"])
    victims = started(process, 2)
    while saved(long(runs)) == 0.0:
        time.sleep(0.05)
    os.kill(victims[1], signal.SIGKILL)
    done(process)
    assert len(run_at(runs, "long").sessions()) == 2


def two_nodes(*command: object, restarts: int = 0) -> list[subprocess.Popen[str]]:
    """Start a command on two nodes of one rank each, both on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"127.0.0.1:{free.getsockname()[1]}"]
    nodes = ["--nnodes", "2", *place, "--rdzv-id", "skiprun", "--max-restarts", str(restarts)]
    return [torchrun(1, *command, nodes=nodes) for _ in range(2)]


@pytest.mark.slow
def test_two_nodes_train_one_run(tmp_path: Path) -> None:
    file, runs = config(tmp_path, LABELS.replace("STEPS", "20")), tmp_path / "runs"
    for node in two_nodes("train", file, "--runs", runs, "--quiet"):
        done(node)
    alone("train", file, "--runs", tmp_path / "one", "--quiet")
    ours, theirs = run_at(runs, "labels"), run_at(tmp_path / "one", "labels")
    losses = [[row["train/loss"] for row in run.metrics() if "train/loss" in row] for run in (ours, theirs)]
    assert losses[0][:5] == pytest.approx(losses[1][:5], rel=1e-5)
    assert json.loads((ours.path / "environment.json").read_text())["sessions"][-1]["ranks"] == 2


@pytest.mark.slow
def test_two_nodes_start_a_killed_run_again(tmp_path: Path) -> None:
    """Each counts the starts for itself: the one whose rank was killed has one more."""
    file, runs = config(tmp_path, LONG.replace("STEPS", "200")), tmp_path / "runs"
    nodes = two_nodes("train", file, "--runs", runs, "--quiet", restarts=2)
    [victim] = started(nodes[1], 1)
    while not saved(long(runs)):
        time.sleep(0.05)
    os.kill(victim, signal.SIGKILL)
    for node in nodes:
        done(node)
    assert len(long(runs).sessions()) == 2
