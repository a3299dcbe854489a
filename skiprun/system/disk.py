"""Disks: how much room is left, whether a folder takes a file, and errors of the system in plain words."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from skiprun.errors import StorageError
from skiprun.system.ordinary_files import refuse_foreign_links

_HINTS = {
    errno.EDQUOT: (
        " Your quota there, of bytes or of files, is used up; make room, and run the same command again."
    ),
    errno.EFBIG: " Raise the limit of a file's size (`ulimit -f`), or choose a disk that holds larger files.",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), " Raise the limit of open files (`ulimit -n`)."),
}


@contextlib.contextmanager
def storage_errors(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that names the file, what failed and what may help."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot {action} {path}: {error.strerror or error}.{_hint(error, path)}"
        ) from error


def _hint(error: OSError, path: Path) -> str:
    """Return what a person can do about an error of the system, where that is known."""
    if error.errno != errno.ENOSPC:
        return _HINTS.get(error.errno or 0, "")
    if no_more_files(path):
        return (
            " The number of files on that disk is used up, not its bytes; remove some, "
            "and run the same command again."
        )
    return f" {free_bytes(path) / 1e6:.1f} MB are free there; make room, and run the same command again."


def free_bytes(path: Path) -> int:
    """Return the free space of the disk of a path, which need not exist yet; 0 where it cannot be known."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(nearest_folder(path)).free
    return 0


def no_more_files(path: Path) -> bool:
    """Tell whether the disk of a path has no room for another file's entry; some disks count none."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has no such count
        about = os.statvfs(nearest_folder(path))
        return about.f_files > 0 and about.f_favail == 0
    return False


def nearest_folder(path: Path) -> Path:
    """Return a path or the nearest of its parents that exists."""
    return next(parent for parent in [path.absolute(), *path.absolute().parents] if parent.exists())


def check_writable(folder: Path, below: Path | None = None) -> None:
    """Make sure that a folder can be created or written to, without doing so.

    Args:
        folder: that will be written to.
        below: the folder below which no link of another user is followed; None: all are the user's choice.

    Raises:
        StorageError: it cannot, and why.
    """
    if below is not None:
        refuse_foreign_links(folder, below)
    with storage_errors("write to", folder):
        existing = nearest_folder(folder)
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{existing} is a file, not a folder")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{existing} is not writable")


def is_writable(folder: Path, below: Path | None = None) -> bool:
    """Tell whether a folder can be created or written to, see `check_writable`."""
    try:
        check_writable(folder, below)
    except StorageError:
        return False
    return True
