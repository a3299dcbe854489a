"""The lock of a run directory: one process trains it, and others can tell who."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from skiprun.errors import RunBusy
from skiprun.system.disk import storage_errors
from skiprun.system.locks import acquire, is_held
from skiprun.system.ordinary_files import open_to_read


class RunLock:
    """A file beside a run directory, which outlives a fresh start, and another that says who holds it."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.file = run.parent / f".{run.name}.lock"
        self.owner_file = self.file.with_suffix(".owner")

    @contextlib.contextmanager
    def hold(self) -> Iterator[str]:
        """Hold it for this process; the kernel frees it however the process ends.

        Yields:
            what a person should know of the lock, mostly nothing.

        Raises:
            RunBusy: another process holds it.
        """
        from filelock import Timeout

        with storage_errors("lock", self.file):
            try:
                lock, notice = acquire(self.file)
            except Timeout:
                raise RunBusy(self.run, self.owner) from None
        try:
            with storage_errors("write", self.owner_file):
                self.owner_file.unlink(missing_ok=True)
                with self.owner_file.open("x", encoding="utf-8") as file:  # through no link
                    file.write(f"process {os.getpid()} on {socket.gethostname()}")
            yield notice
        finally:
            with contextlib.suppress(OSError):
                self.owner_file.unlink(missing_ok=True)
            lock.release()

    @property
    def owner(self) -> str:
        """Who holds it, as far as it says so."""
        with contextlib.suppress(OSError, ValueError), open_to_read(self.owner_file) as file:
            return file.read(200).decode()
        return "another process"

    def is_held(self) -> bool:
        """Tell whether a process holds it now, changing nothing."""
        return is_held(self.file)
