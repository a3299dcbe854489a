"""Memory and processor cores that this process may use."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use; all, on systems that do not say."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def all_cores() -> int:
    """Return how many cores this machine has, whether this process may use them or not."""
    return os.cpu_count() or 1


def memory_bytes() -> int:
    """Return how much memory this machine has; where the system does not say, no end of it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def set_affinity(chosen: list[int]) -> None:
    """Let this process run on some cores only, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen)


def peak_memory() -> float:
    """Return the most bytes of memory that this process has held; NaN on Windows, which does not say."""
    try:
        import resource
    except ImportError:
        return math.nan
    unit = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def leave_imports_alone() -> None:
    """Let Python look for cycles among what is new, and hardly ever through all that was imported.

    That takes 0.13 s a time; importing torch and the rest asks for it four times, and is a fifth faster
    without.
    """
    gc.set_threshold(*gc.get_threshold()[:2], 1000)


def trust_no_working_folder() -> None:
    """Let what this process starts find no program and no module in the working folder.

    Any file may lie there.
    """
    os.environ.update(PATH=_absolute(os.get_exec_path()), PYTHONSAFEPATH="1")


def find_program(name: str) -> str | None:
    """Return the file of a program; relative entries of $PATH lead to the working folder and do not count."""
    found = shutil.which(name, path=_absolute(os.get_exec_path()))
    return found and str(Path(found).absolute())


def interpreter_environment() -> dict[str, str]:
    """Return the environment of a Python that imports as this process does, but not from the working folder.

    An interpreter that is started with -c or -m looks there first, before its own library.
    """
    package = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": _absolute([*sys.path, package])}


@contextlib.contextmanager
def safe_interpreters() -> Iterator[None]:
    """Let libraries that hand on this process's environment start Pythons by `interpreter_environment`."""
    before = dict(os.environ)
    os.environ.update(interpreter_environment())
    try:
        yield
    finally:
        for name in ("PYTHONSAFEPATH", "PYTHONPATH"):
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})


def _absolute(folders: Iterable[str]) -> str:
    """Return a search path of the absolute ones among folders."""
    return os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())


# Of malloc.h: from which size on memory is mapped anew for each request, and when free memory is given back.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1


def keep_memory() -> None:
    """Let the C library keep freed memory, in huge pages, so that large tensors' pages are not zeroed anew.

    That is 23,000 page faults a step: resnet20 at 128 images takes 148 ms instead of 205 compiled, 178
    instead of 209 eager (bf16, one core). C libraries other than glibc are left as they are.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch reads it at its first allocation
    with contextlib.suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, 1 << 30)
        mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


def processor() -> str:
    """Return what the processor is called; the system's word for its kind where it does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
