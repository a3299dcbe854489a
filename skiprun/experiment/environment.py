"""What a session of a run ran on: versions, device, command, commit, time, data."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import torch

import skiprun
from skiprun.experiment.data_record import describe_data
from skiprun.experiment.parts import Parts
from skiprun.experiment.start_weights import digest
from skiprun.run.documents import Session
from skiprun.system.machine import cores, find_program
from skiprun.training.gpu_record import describe_gpu


def environment(parts: Parts, side_by_side: int = 1, ranks: int = 1) -> Session:
    """Return what a session ran on: versions, device, command, commit, time, data and initial weights.

    Args:
        parts: of the run.
        side_by_side: how many runs the GPU trained at a time in this process.
        ranks: how many processes train it together.
    """
    session: Session = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": " ".join(sys.argv),
        "commit": commit_of_code(),
        "skiprun": skiprun.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "system": platform.platform(),
        "device": str(parts.setup),
        "cores": cores(),
        "data": describe_data(parts.config.data, parts.loaders),
    }
    if gpu := describe_gpu(parts.setup.device):
        session["gpu"] = gpu
    if side_by_side > 1:
        session["side_by_side"] = side_by_side
    if ranks > 1:
        session["ranks"] = ranks
    if parts.weights and (begun_with := digest(parts.config.model.weights or "")):
        session["weights"] = begun_with
    return session


# A checkout's configuration can name programs to run; a commit is described without any of them.
GIT = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
    "--no-pager",
    "--no-optional-locks",
)


@functools.cache
def commit_of_code() -> str | None:
    """Return the commit of skiprun's own checkout, with '+' if it has changes; None where there is none.

    The working folder is not asked: it may be anybody's, and the numbers depend on the code. A process asks
    once, as it does not import its code again either.
    """
    checkout, git = Path(skiprun.__file__).parents[1], find_program("git")
    if git is None or not (checkout / ".git").exists():
        return None
    command = [git, *GIT, "describe", "--always", "--dirty=+", "--exclude=*"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            command, cwd=checkout, env=own, capture_output=True, text=True, timeout=5, check=True
        )
        return found.stdout.strip()
    return None
