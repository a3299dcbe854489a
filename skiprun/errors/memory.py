"""Errors for want of memory, which torch, its libraries and the system raise in several types."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from skiprun.errors.kinds import OutOfMemory

NO_MEMORY = (
    "DefaultCPUAllocator",
    "out of memory",
    "bad_alloc",
    "ALLOC_FAILED",
    "ALLOCATION_FAILED",
    "NVML_SUCCESS == r",  # torch asked the driver for the numbers of such an error, in vain
    "Storage size calculation overflowed",
    "Cannot allocate memory",
)
# What the libraries of a GPU say where they find no memory to work in, and sometimes for other reasons.
UNCLEAR = ("STATUS_NOT_INITIALIZED", "STATUS_INTERNAL_ERROR", "unable to find an engine", "valid cuDNN algo")
FULL = 0.05  # the share of a GPU's memory that is free at most where the reason was memory
OTHERS = 1e9  # bytes; torch does not count some hundred millions that CUDA itself takes in a process
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


class MemoryOfGPU(NamedTuple):
    """How much memory of a GPU is free, is there, and is held by this process, in bytes."""

    free: float
    total: float
    own: float

    def __str__(self) -> str:
        others = self.total - self.free - self.own
        told = f", others {in_gigabytes(others)} (nvidia-smi lists them)" if others > OTHERS else ""
        free = f"{in_gigabytes(self.free)} of the GPU's {in_gigabytes(self.total)} are free"
        return f"{free}, this process holds {in_gigabytes(self.own)}{told}"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that there was no memory left; torch is not imported for that."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY):
        return True
    gpu = memory_of_gpu() if any(words in str(error) for words in UNCLEAR) else None
    return gpu is not None and gpu.free < FULL * gpu.total


@contextlib.contextmanager
def explain_out_of_memory(part: str, way_out: str) -> Iterator[None]:
    """Turn an out-of-memory error into an OutOfMemory that says in which part, and what helps there."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"Out of memory {part}{memory_numbers(error)}. {way_out}") from error


def out_of_memory(error: BaseException) -> OutOfMemory:
    """Return an error for want of memory that came from a place which nobody foresaw."""
    return OutOfMemory(f"Out of memory{memory_numbers(error)}.")


def memory_numbers(error: BaseException) -> str:
    """Return in brackets how much memory of a GPU an error asked for, and how much there is; '' on a CPU."""
    text = str(error)
    if not any(words in text for words in ("CUDA", "CUBLAS", "CUDNN", "NVML", *UNCLEAR)):
        return ""
    wanted = re.search(r"Tried to allocate ([\d.]+) (\w+)", text)
    more = f"{in_gigabytes(in_bytes(*wanted.groups()))} more needed; " if wanted else ""
    gpu = memory_in(text) or memory_of_gpu()
    return f" ({more}{gpu})" if gpu else ""


def memory_in(text: str) -> MemoryOfGPU | None:
    """Return what torch's own message says of a GPU."""
    sizes = [r"capacity of ([\d.]+) (\w+)", r"([\d.]+) (\w+) is free", r"this process has ([\d.]+) (\w+)"]
    found = [re.search(pattern, text) for pattern in sizes]
    total, free, own = (in_bytes(*each.groups()) if each else None for each in found)
    return None if total is None or free is None or own is None else MemoryOfGPU(free, total, own)


def memory_of_gpu() -> MemoryOfGPU | None:
    """Return what the driver and torch say of the GPU of this process; None where none is in use."""
    torch = sys.modules.get("torch")
    with contextlib.suppress(Exception):  # after some errors a GPU answers nothing
        if torch and torch.cuda.is_initialized():
            free, total = torch.cuda.mem_get_info()
            return MemoryOfGPU(free, total, torch.cuda.memory_reserved())
    return None


def in_bytes(number: str, unit: str) -> float:
    """Return a size in bytes."""
    return float(number) * UNITS.get(unit, 1)


def in_gigabytes(count: float) -> str:
    """Return a number of bytes in GB, or in MB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
