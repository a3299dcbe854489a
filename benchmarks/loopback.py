"""Run programs where the only network is the loopback device, as Ray and trackers ask it when they start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec

from benchmarks.measure import ROOT

ENTER = 'ip link set lo up && exec "$@"'


def why_not(package: str = "ray") -> str:
    """Return why a package cannot be run apart from the network here; nothing where it can."""
    if find_spec(package) is None:
        return f"{package} is not installed: pip install 'skiprun[{package}]'"
    if not (shutil.which("unshare") and shutil.which("ip")):
        return "this system has no unshare and ip, which make a network of its own"
    tried = subprocess.run(apart(["true"]), capture_output=True, text=True, check=False)
    return f"no network of its own can be had: {tried.stderr.strip()}" if tried.returncode else ""


def apart(command: Sequence[str]) -> list[str]:
    """Return a command that runs another one in a network namespace of its own."""
    return ["unshare", "--net", "sh", "-c", ENTER, "sh", *command]


def start(arguments: Sequence[str]) -> subprocess.Popen[str]:
    """Start a Python apart from the network, in a session of its own; its output is read."""
    environment = os.environ | {"RAY_TMPDIR": tempfile.mkdtemp(prefix="ray"), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        apart([sys.executable, *arguments]),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
