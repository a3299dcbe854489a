"""Build and load what lets a CPU build of torch believe in a CUDA device; torch must not be imported here."""

from __future__ import annotations

import ctypes
import importlib.util
import subprocess
import sys
from pathlib import Path


def build_guard(compiler: str, folder: Path) -> Path:
    """Compile guard.cpp into a folder; a second or two."""
    spec = importlib.util.find_spec("torch")
    assert spec and spec.origin
    torch = Path(spec.origin).parent
    source, library = Path(__file__).with_name("guard.cpp"), folder / "guard.so"
    flags = ["-O0", "-std=c++20", "-shared", "-fPIC", f"-I{torch / 'include'}"]
    link = [f"-L{torch / 'lib'}", "-ltorch_cpu", "-lc10", f"-Wl,-rpath,{torch / 'lib'}"]
    subprocess.run([compiler, *flags, str(source), *link, "-o", str(library)], check=True)
    return library


def load_guard(library: Path) -> None:
    """Register the device, in a process that has not imported torch yet."""
    assert "torch" not in sys.modules, "the guard has to be loaded before torch"
    assert ctypes.CDLL(str(library)).register_device() == 1
