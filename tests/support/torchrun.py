"""Commands that torchrun starts several times: the ranks of one run, on this machine."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from skiprun.run import Run
from skiprun.system.machine import interpreter_environment
from tests.support import ROOT

IN_FLOAT64 = [str(ROOT / "tests" / "support" / "in_float64.py")]
SKIPRUN = ["-m", "skiprun"]
ONE_NODE = ["--standalone"]


def torchrun(
    ranks: int, *command: object, program: list[str] = SKIPRUN, nodes: list[str] = ONE_NODE
) -> subprocess.Popen[str]:
    """Start a command with so many ranks of one node."""
    launcher = [sys.executable, "-m", "torch.distributed.run", *nodes, "--nproc-per-node", str(ranks)]
    return subprocess.Popen(
        [*launcher, *program, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=interpreter_environment() | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )


def done(process: subprocess.Popen[str]) -> str:
    """Wait for a command that shall end well, and return what it printed."""
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return printed


def started(process: subprocess.Popen[str], ranks: int) -> list[int]:
    """Wait for the ranks of a torchrun and return the numbers of their processes."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(found := [int(each) for each in children.read_text().split()]) < ranks:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    return found


def saved(run: Run) -> float:
    """Return when a run was saved last."""
    file = run.checkpoints / "last.pt"
    return file.stat().st_mtime if file.exists() else 0.0


def kill_a_rank(ranks: int, run: Run, chance: random.Random, *command: object) -> bool:
    """Start a command that trains a run, and kill a rank within a second after it has saved.

    The others must end within a minute, with one message. False: the run was done before.
    """
    process = torchrun(ranks, *command)
    victim = chance.choice(started(process, ranks))
    before = saved(run)
    while process.poll() is None and saved(run) == before:
        time.sleep(0.05)
    time.sleep(chance.uniform(0, 1))
    if run.summary_file.exists():
        done(process)
        return False
    with contextlib.suppress(ProcessLookupError):  # it has ended well since
        os.kill(victim, signal.SIGKILL)
    printed = ended(process, within=60)
    if process.returncode == 0:
        return False
    assert printed.count("error: ") == 1, printed
    assert f"One of the {ranks} processes of this run was lost" in printed, printed
    return True


def ended(process: subprocess.Popen[str], within: float) -> str:
    """Wait some seconds for a command to end, and return what it printed."""
    try:
        return process.communicate(timeout=within)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"not ended within {within:g} seconds: {process.communicate()[0]}") from None


def config(folder: Path, text: str) -> Path:
    """Write a config of its own folder."""
    file = folder / "config.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
