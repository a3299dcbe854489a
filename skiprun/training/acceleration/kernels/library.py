"""Compile and load the C++ kernels of training on a CPU, on first use.

The compiler is the system's, as for torch.compile; the code is made for this processor and kept in the user's
cache,
where only this user can write, with its own checksum behind it: what is not whole is never loaded.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from skiprun.data.download.place import locked
from skiprun.errors import SkiprunError
from skiprun.system.cache import code_folder, private_folder
from skiprun.system.files import write_bytes
from skiprun.system.machine import find_program
from skiprun.system.ordinary_files import read_bytes

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
SOURCES = ("norm", "winograd")
# Not -ffast-math: what is not finite has to stay so.
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC", "-w")
TYPES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class Kernel:
    """A function of a source, of which there is one for float32 and one for bfloat16."""

    def __init__(self, source: str, name: str, arguments: Sequence[type]) -> None:
        self.source, self.name = source, name
        self.signature = ctypes.CFUNCTYPE(None, *arguments)

    def __call__(self, dtype: torch.dtype, *values: Tensor | float | None) -> None:
        """Call it, with the addresses of tensors."""
        self.of(dtype)(*(each.data_ptr() if isinstance(each, Tensor) else each for each in values))

    def is_there(self, dtype: torch.dtype) -> bool:
        """Tell whether it was compiled for a type, which may need instructions that processors lack."""
        return dtype in TYPES and hasattr(library(self.source), f"{self.name}_{TYPES[dtype]}")

    @functools.cache  # noqa: B019 kernels are few and stay
    def of(self, dtype: torch.dtype) -> Callable[..., None]:
        """Return the function for a type."""
        return self.signature.in_dll(library(self.source), f"{self.name}_{TYPES[dtype]}")


def to_channels_last(tensor: Tensor) -> Tensor:
    """Return a tensor with its channels side by side."""
    return tensor.contiguous(memory_format=torch.channels_last)


def prepare_kernels() -> None:
    """Compile and load all kernels, side by side.

    Raises:
        SkiprunError: there is no compiler, or it fails, or its result cannot be kept.
    """
    with ThreadPoolExecutor(len(SOURCES)) as pool:
        list(pool.map(_provide, SOURCES))
        list(pool.map(library, SOURCES))


@functools.cache
def library(source: str) -> ctypes.CDLL:
    """Load the kernels of a source, compiled if it, the compiler or the processor is new.

    Raises:
        SkiprunError: there is no compiler, or it fails, or its result cannot be kept.
    """
    return ctypes.CDLL(str(_provide(source)))


def _provide(source: str) -> Path:
    """Return the whole library of a source; the first of several runs compiles it for all, if needed."""
    key, command = _recipe(source)
    file = private_folder(code_folder() / source) / f"{key}.so"
    if not is_intact(file):
        with locked(file.parent, lambda *_: None):
            if file.exists() and not is_intact(file):
                log.info(f"{file} is damaged; it is compiled again.")
            if not is_intact(file):
                with tempfile.TemporaryDirectory() as scratch:
                    made = Path(scratch) / file.name
                    _run(*command, "-o", str(made))
                    code = made.read_bytes()
                write_bytes(file, code + hashlib.sha256(code).digest())
    return file


def is_intact(file: Path) -> bool:
    """Tell whether a library ends in its own checksum; the system dies of one that is cut short."""
    try:
        content = read_bytes(file)
    except OSError:
        return False
    return content[-32:] == hashlib.sha256(content[:-32]).digest()


@functools.cache
def _recipe(source: str) -> tuple[str, list[str]]:
    """Return a key of all that the library of a source depends on, and the command that makes it."""
    compiler = find_compiler()
    if compiler is None:
        raise SkiprunError("no C++ compiler was found")
    processor = _run(
        compiler, "-march=native", "-v", "-E", "-x", "c++", os.devnull
    ).stderr  # names what it has
    command = [compiler, *FLAGS, str(FOLDER / f"{source}.cpp"), "-Wl,--as-needed", *_openmp(), "-fopenmp"]
    texts = [(FOLDER / name).read_text() for name in ("lanes.h", f"{source}.cpp")]
    return hashlib.sha256("\n".join([*texts, *command, processor]).encode()).hexdigest()[:16], command


def _openmp() -> list[str]:
    """Return the OpenMP that torch has loaded, whatever its wheel calls it, so that both share threads."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    files = [line.split(maxsplit=5)[-1] for line in lines if "libgomp" in line]
    return sorted(set(files))


def find_compiler() -> str | None:
    """Return the C++ compiler of this machine, or None; elsewhere than on Linux OpenMP is another story."""
    return find_program(os.environ.get("CXX", "c++")) if sys.platform == "linux" else None


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run the compiler, away from the working folder, and raise SkiprunError with its first error."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if "error" in line]
        raise SkiprunError(next(iter(complaints), f"{command[0]} ended with code {done.returncode}"))
    return done
