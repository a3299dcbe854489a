"""Elsewhere than on Linux: every module can be imported; played by taking away what Windows lacks."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from skiprun.system.machine import peak_memory

PROGRAM = """
import importlib, os, pkgutil, signal, sys
# These libraries know the real system.
import multiprocessing.context, skiprun.system.torchvision_repair, tensorboard.program

for name in ("SIGHUP", "SIGUSR1", "SIGKILL", "pthread_sigmask"):
    delattr(signal, name)
for name in ("geteuid", "getuid", "getloadavg", "sched_getaffinity", "sched_setaffinity", "statvfs", "fork"):
    delattr(os, name)
for name in ("fcntl", "grp", "pwd", "resource", "termios", "multiprocessing.forkserver"):
    sys.modules[name] = None
import skiprun

# The nursery is forked from on Linux alone.
modules = [found.name for found in pkgutil.walk_packages(skiprun.__path__, "skiprun.")]
for name in set(modules) - {"skiprun.system.forkserver_preload", "skiprun.__main__"}:
    importlib.import_module(name)

from skiprun.training.stopping import StopFlag
with StopFlag() as stop:
    signal.raise_signal(signal.SIGTERM)
    print(len(modules) > 150, stop.listener()() == signal.SIGTERM)
"""


def test_every_module_is_imported_without_what_only_linux_has() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr


def test_memory_is_counted_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    here = peak_memory()
    assert 1e8 < here < 1e12
    monkeypatch.setattr(sys, "platform", "darwin")  # which counts bytes, where Linux counts blocks of 1,024
    assert peak_memory() == pytest.approx(here / 1024, rel=0.1)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert math.isnan(peak_memory())
