"""What this process may use of the machine."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use; some systems do not say, and all are taken."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to(chosen: list[int]) -> None:
    """Let this process run on some cores only, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen)


def leave_imports_alone() -> None:
    """Let Python look for cycles among what is new, and hardly ever through all that was imported.

    That takes 0.13 s a time; importing torch and the rest asks for it four times, and is a fifth faster without.
    """
    gc.set_threshold(*gc.get_threshold()[:2], 1000)


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
