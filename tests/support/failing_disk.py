"""A disk that fails at one operation, or at all from it on."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class FailingFile:
    """A file whose every write first asks the disk."""

    def __init__(self, file: Any, disk: FailingDisk) -> None:
        self.file, self.disk = file, disk

    def __enter__(self) -> FailingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.file)

    def write(self, content: bytes) -> Any:
        if self.disk.next_fails():
            self.file.write(content[: len(content) // 2])  # as a disk that fills up
            raise OSError(self.disk.error, os.strerror(self.disk.error))
        return self.file.write(content)

    def flush(self) -> None:
        self.disk.ask()
        self.file.flush()


class FailingDisk:
    """Counts what any thread does to the disk, and lets one operation, or all from it on, fail."""

    def __init__(self, at: int, error: int, stays: bool) -> None:
        self.at, self.error, self.stays, self.count = at, error, stays, 0
        self.failed, self.lock = 0, threading.Lock()

    def next_fails(self) -> bool:
        with self.lock:
            self.count += 1
            fails = self.count >= self.at if self.stays else self.count == self.at
            self.failed += fails
            return fails

    def ask(self) -> None:
        if self.next_fails():
            raise OSError(self.error, os.strerror(self.error))

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Stand between skiprun and the disk: opening writing, flushing, renaming, making folders."""
        opened = Path.open

        def open_(path: Path, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
            if mode not in ("xb", "a+b"):
                return opened(path, mode, *arguments, **keywords)
            self.ask()
            return FailingFile(opened(path, mode, *arguments, **keywords), self)

        def asking(original: Any) -> Any:
            def asked(*arguments: Any, **keywords: Any) -> Any:
                self.ask()
                return original(*arguments, **keywords)

            return asked

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "open", open_)
            for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "mkdir")):
                patch.setattr(owner, name, asking(getattr(owner, name)))
            yield
