"""Atomic file writes: each happens whole or not at all, and failures have plain messages.

A file is written to a temporary name in its own folder, flushed to the disk, and renamed; then the folder is
flushed. So a reader sees the old content or the new, never a part, also after a power failure. A kill may
leave a temporary file; `remove_leftovers` takes it away at the next start.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from skiprun.system.disk import storage_errors
from skiprun.system.ordinary_files import refuse_foreign_links, refuse_replacing

# Answers of Windows, which cannot open a folder, and of shared and user-space disks, which cannot flush one.
_NO_FOLDER_FLUSH = (
    *(errno.EACCES, errno.EPERM, errno.EISDIR),
    *(errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY),
)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably."""
    write_stream(path, [content])


def write_stream(path: Path, blocks: Iterable[bytes | memoryview]) -> None:
    """Replace a file by blocks as they come, atomically and durably; what fails on the way leaves nothing."""
    with _temporary(path, blocks) as temporary:
        temporary.replace(path)


def replace_keeping(path: Path, previous: Path, content: bytes) -> None:
    """Replace a file and keep what it was under another name; at every moment one of the two is whole.

    The new content is read back before anything old is moved.
    """
    with _temporary(path, [content]) as temporary:
        if temporary.read_bytes() != content:
            raise OSError(errno.EIO, "what was written reads back differently")
        if path.exists():
            path.replace(previous)
        temporary.replace(path)


@contextlib.contextmanager
def _temporary(path: Path, blocks: Iterable[bytes | memoryview]) -> Iterator[Path]:
    """Write blocks beside a path and flush them, to be put in place within the context, or deleted."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with storage_errors("write", path):
            refuse_replacing(path)
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as file:  # no link that somebody left under this name is followed
                for block in blocks:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in a folder or below; lock the folder first."""
    with storage_errors("clean up", folder):
        for leftover in folder.rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)


def delete_spare(file: Path) -> None:
    """Delete a file that nobody needs; where the system refuses (Windows, of a mapped file), it stays."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def delete_folder(folder: Path) -> None:
    """Delete a folder so that a kill on the way leaves none of it under its name."""
    doomed = folder.with_name(f".{folder.name}.deleted")
    with storage_errors("delete", folder):
        shutil.rmtree(doomed, ignore_errors=True)  # what an earlier kill left
        if folder.exists():
            folder.replace(doomed)
            shutil.rmtree(doomed)


def write_text(path: Path, content: str) -> None:
    """Replace a text file atomically and durably."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: object, indent: int | None = 2) -> None:
    """Replace a JSON file atomically and durably; NaN and infinity become null."""
    write_text(path, json.dumps(json_safe(content), indent=indent, allow_nan=False) + "\n")


def json_safe(value: object) -> object:
    """Return a copy in which every float that JSON cannot hold is None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def make_folder(path: Path, below: Path | None = None) -> None:
    """Create a folder and its parents; none of those below `below` may be a link of another user."""
    if below is not None:
        refuse_foreign_links(path, below)
    with storage_errors("create", path):
        path.mkdir(parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries, where the system can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FLUSH:
            raise
