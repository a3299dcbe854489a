"""Cores that a process has for itself, among others that nobody coordinates."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from skiprun.system.files import make_folder
from skiprun.system.machine import cores, set_affinity
from skiprun.system.ordinary_files import refuse_link


@contextlib.contextmanager
def own_cores(count: int) -> Iterator[list[int]]:
    """Keep this process to so many cores that no other one keeps to; to all, where fewer are left.

    A lock stands for each core, which the kernel frees however the process ends.
    """
    from filelock import FileLock, Timeout

    every = cores()
    folder = Path(tempfile.gettempdir()) / f"skiprun-cores-{os.getuid()}"
    make_folder(folder)
    refuse_link(folder)
    with contextlib.ExitStack() as held:
        own: list[int] = []
        for core in every:
            if len(own) < count:
                with contextlib.suppress(Timeout):
                    held.enter_context(FileLock(folder / f"{core}.lock").acquire(timeout=0))
                    own.append(core)
        chosen = own if len(own) == count else every
        set_affinity(chosen)
        try:
            yield chosen
        finally:
            set_affinity(every)
