"""Where a run computes: device, precision, threads."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from skiprun.config import RunConfig
from skiprun.errors import InputError


@dataclass(frozen=True)
class Placement:
    """The device and the precision of a run, as chosen."""

    device: torch.device
    precision: str
    compiled: bool = False

    @property
    def autocast(self) -> Callable[[], contextlib.AbstractContextManager]:
        """Return a maker of contexts in which convolutions and matrix products run in the chosen precision."""
        if self.precision == "fp32":
            return contextlib.nullcontext
        return lambda: torch.autocast(self.device.type, torch.bfloat16)

    def __str__(self) -> str:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "CPU"
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{name}{threads}, {self.precision}{', compiled' if self.compiled else ''}"


def place(config: RunConfig) -> Placement:
    """Choose device and precision; `auto` takes CUDA if it is there, and bf16 where matrix units have it.

    Raises:
        InputError: `device: cuda` on a machine without one.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError(f"{config.place('device')}: found cuda, but torch sees no GPU here; use auto or cpu.")
    device = torch.device("cuda" if config.device != "cpu" and torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.benchmark = not config.deterministic
    exact = config.deterministic and device.type == "cuda"
    if exact != torch.are_deterministic_algorithms_enabled():  # the call imports the compiler, for a second
        torch.use_deterministic_algorithms(exact)
    keep_memory()
    precision = config.precision
    if precision == "auto":
        precision = "bf16" if has_matrix_units(device) else "fp32"
    return Placement(device, precision)


# Of malloc.h: from which size on memory is mapped anew for each request, and when free memory is given back.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1


def keep_memory() -> None:
    """Let the C library keep what was freed, in huge pages, instead of having each large tensor's pages zeroed anew.

    That is 23,000 page faults a step: resnet20 at 128 pictures takes 148 ms instead of 205 compiled, 178 instead of 209
    eager (bf16, one core). C libraries other than glibc are left as they are.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch reads it at its first allocation
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


# Below this many multiply-adds a step, threads spend their time waiting for each other: a plain56 on 8x8 digits
# (0.5 G) gains a quarter from a second thread on an idle machine, and loses a factor of 50 beside a busy neighbour.
SMALL_STEP = 2e9


def choose_threads(config: RunConfig, macs: int) -> int:
    """Set and return the number of CPU threads: the config's, else a function of the work alone, so that it repeats."""
    small = macs * config.data.batch_size < SMALL_STEP
    threads = config.threads or (1 if small else len(os.sched_getaffinity(0)))
    torch.set_num_threads(threads)
    return threads


def has_matrix_units(device: torch.device) -> bool:
    """Tell whether the device multiplies bf16 matrices in hardware: tensor cores, or AMX."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_amx_tile_supported()
