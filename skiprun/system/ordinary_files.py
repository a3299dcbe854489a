"""Open only regular files, and never write through links that others may have placed.

A named pipe would wait for ever, a device has no end, and a link leads to where its owner wants it.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

from skiprun.errors import StorageError

# Windows has no such files and no such flags, but opens in text mode what is not said to be binary.
_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


class NotOrdinary(OSError):
    """The path is not a regular file."""


def open_to_read(path: Path) -> IO[bytes]:
    """Open an ordinary file.

    Raises:
        NotOrdinary: it is a folder, a pipe, a socket or a device.
        OSError: it cannot be opened.
    """
    return _open(path, os.O_RDONLY, "rb")


def open_to_append(path: Path) -> IO[bytes]:
    """Open an ordinary file to read, and to write at its end, made if needed; a link is not followed.

    Raises:
        NotOrdinary: it is a folder, a pipe, a socket or a device.
        OSError: it cannot be opened; with ELOOP, it is a link.
    """
    refuse_link(path)
    return _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK, "a+b")


def read_bytes(path: Path) -> bytes:
    """Return what an ordinary file holds; see `open_to_read`."""
    with open_to_read(path) as file:
        return file.read()


def refuse_link(path: Path) -> None:
    """Raise OSError with ELOOP for a link, which would be written through."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, and nothing is written through links")


def refuse_replacing(path: Path) -> None:
    """Raise NotOrdinary if a file would take the place of a folder, a pipe, a socket or a device."""
    if path.exists():
        _refuse_odd(path.stat())


def refuse_foreign_links(folder: Path, below: Path) -> None:
    """Raise StorageError if the folder, or one between it and `below`, is a link of another user."""
    for each in [folder, *folder.parents][: len(folder.relative_to(below).parts)]:
        if each.is_symlink() and hasattr(os, "geteuid") and each.lstat().st_uid not in (0, os.geteuid()):
            raise StorageError(f"{each} is a link that another user made; nothing is written through it.")


def _open(path: Path, flags: int, mode: str) -> IO[bytes]:
    """Open a file without waiting for anybody, and look at what was opened."""
    try:
        descriptor = os.open(path, flags | _SAFELY, 0o666)
    except OSError:
        if path.exists():
            _refuse_odd(path.stat())  # the system's own words for it say less
        raise
    try:
        _refuse_odd(os.fstat(descriptor))
        return os.fdopen(descriptor, mode)
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_odd(about: os.stat_result) -> None:
    """Raise NotOrdinary unless a file is an ordinary one."""
    if not stat.S_ISREG(about.st_mode):
        kind = _KINDS.get(stat.S_IFMT(about.st_mode), "a device")
        raise NotOrdinary(errno.EINVAL, f"it is {kind}, not an ordinary file")
