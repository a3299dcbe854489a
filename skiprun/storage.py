"""The one way to the disk: every write either happens whole or not at all, and a failure has plain words.

A file is written to a temporary name in its own folder, flushed to the disk, and renamed; then the folder is flushed.
So a reader sees the old content or the new, never a part, also after a power failure.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skiprun.errors import StorageError


@contextlib.contextmanager
def plain_words(action: str, path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that names the file, what failed and the space left."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot {action} {path}: {error.strerror or error}.{_space_left(path)}") from error


def _space_left(path: Path) -> str:
    """Say how much room the disk of a path has, if that can be known."""
    with contextlib.suppress(OSError):
        existing = next(parent for parent in [path, *path.absolute().parents] if parent.exists())
        return f" {shutil.disk_usage(existing).free / 1e6:.1f} MB are free there."
    return ""


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically and durably."""
    with plain_words("write", path):
        _write_temporary(path, content).replace(path)
        sync_folder(path.parent)


def replace_keeping(path: Path, previous: Path, content: bytes) -> None:
    """Replace a file and keep what it was under another name; at every moment one of the two is whole."""
    with plain_words("write", path):
        temporary = _write_temporary(path, content)
        if path.exists():
            path.replace(previous)
        temporary.replace(path)
        sync_folder(path.parent)


def _write_temporary(path: Path, content: bytes) -> Path:
    """Write content beside a path, flushed to the disk; leave nothing if that fails."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return temporary


def write_text(path: Path, content: str) -> None:
    """Replace a text file atomically and durably."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file atomically and durably; NaN and infinity become null."""
    write_text(path, json.dumps(json_safe(content), indent=2, allow_nan=False) + "\n")


def json_safe(value: Any) -> Any:
    """Return a copy in which every float that JSON cannot hold is None."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    return value


def make_folder(path: Path) -> None:
    """Create a folder and its parents."""
    with plain_words("create", path):
        path.mkdir(parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Flush a folder's entries, where the system can (Windows cannot open folders)."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
