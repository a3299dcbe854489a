"""The folder of datasets: in the user's cache, never in the project; one process at a time changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from skiprun.system.cache import cache_folder, naming_the_way_out
from skiprun.system.disk import storage_errors
from skiprun.system.files import make_folder
from skiprun.system.ordinary_files import refuse_link
from skiprun.system.progress import ProgressCallback

LOCK = ".skiprun.lock"


def folder_of(root: str | None) -> Path:
    """Return the folder that `data.root` means, or else the cache."""
    return Path(root).expanduser().absolute() if root else cache_folder()


@contextlib.contextmanager
def locked(folder: Path, progress: ProgressCallback) -> Iterator[None]:
    """Hold a folder, created if needed, against other processes; the lock of a killed process is freed."""
    import filelock

    lock = filelock.FileLock(folder / LOCK)
    with naming_the_way_out(), storage_errors("lock", folder):
        make_folder(folder)
        refuse_link(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            progress(0, 1, f"waiting for another process to fill {folder}")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
