"""Commands that torchrun starts several times: the ranks of one run, on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def config(folder: Path, text: str) -> Path:
    """Write a config of its own folder."""
    file = folder / "config.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
