"""The folder of datasets: in the user's cache, never in the project; one process at a time changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from skiprun.system.cache import cache_folder, naming_the_way_out
from skiprun.system.disk import storage_errors
from skiprun.system.files import make_folder
from skiprun.system.lease import Lease
from skiprun.system.ordinary_files import refuse_link
from skiprun.system.progress import ProgressCallback

LOCK, LEASE = ".skiprun.lock", ".skiprun.lease"


def folder_of(root: str | None) -> Path:
    """Return the folder that `data.root` means, or else the cache."""
    return Path(root).expanduser().absolute() if root else cache_folder()


def is_there(place: Path) -> bool:
    """Tell whether what `data.root` means is there: a folder, or the one that a pattern of files lies in."""
    beginning, brace, _ = str(place).partition("{")
    return place.exists() or (bool(brace) and Path(f"{beginning}0").parent.exists())


@contextlib.contextmanager
def locked(folder: Path, progress: ProgressCallback) -> Iterator[ProgressCallback]:
    """Hold a folder, created if needed, against processes of all machines that share it; see `Lease`.

    Args:
        folder: to be filled.
        progress: told whom this process waits for.

    Yields:
        the same callback, by which others are told as well.

    Raises:
        StorageError: the folder cannot be written, or its holder does not get any further.
    """
    with naming_the_way_out(), storage_errors("lock", folder):
        make_folder(folder)
        for name in (LOCK, LEASE):
            refuse_link(folder / name)
        lease = Lease(folder / LOCK, folder / LEASE)
        lease.take(lambda holder: progress(0, 1, f"waiting for {holder} to fill {folder}"))

    def reporting(done: int, total: int, what: str) -> None:
        lease.work = f"{what}: {done:,} of {total:,}"
        progress(done, total, what)

    try:
        yield reporting
    finally:
        lease.release()
