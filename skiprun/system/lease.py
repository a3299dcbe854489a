"""A lease with a heartbeat: a lock among processes on any of the machines that share a disk.

Two locks are held together, since neither is enough on a shared disk:

- A lock of the kernel, where the disk knows one; on many shared disks it says nothing of other machines.
- A file, the lease, which its holder rewrites every few seconds, its heartbeat. Who waits sees by its own
  clock, as those of machines differ, whether the file still changes. One that has not changed for a minute
  is of a holder that died, and is taken over; a holder that lives and gets no further is waited for until a
  limit.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from skiprun.errors import StorageError
from skiprun.system.kernel_lock import KernelLock
from skiprun.system.lease_file import described, read_lease, said_in, this_machine, work_of

# Seconds: between two heartbeats, between two looks of who waits, without a heartbeat until a holder counts
# as dead, and without progress until a holder that lives is given up.
HEARTBEAT, POLL, STALE, NO_PROGRESS = 5.0, 0.5, 60.0, 1800.0


class Lease:
    """A lease that this process holds or waits for.

    Attributes:
        work: what the holder does, and how far it is; who waits is told.
    """

    def __init__(self, lock: Path, lease: Path) -> None:
        self.file, self.work, self.beats = lease, "", 0
        self.token = uuid.uuid4().hex
        self.kernel = KernelLock(lock)
        self.seen: bytes | None = None
        self.changed_at = self.progressed_at = time.monotonic()
        self.released = threading.Event()
        self.heartbeats = threading.Thread(target=self._send_heartbeats, name="lease", daemon=True)

    def take(self, waiting: Callable[[str], None]) -> None:
        """Wait until nobody else holds the lease, and hold it.

        Args:
            waiting: told twice a second who holds it.

        Raises:
            StorageError: its holder lives, and has not got any further for a long time.
            OSError: it cannot be written.
        """
        try:
            while not self._try_to_take():
                waiting(described(self.seen))
                time.sleep(POLL)
        except BaseException:
            self.kernel.release()
            raise
        self.heartbeats.start()

    def release(self) -> None:
        """Let others have the lease."""
        self.released.set()
        self.heartbeats.join()
        with contextlib.suppress(OSError):
            if self._is_own():
                self.file.unlink()
        self.kernel.release()

    def _try_to_take(self) -> bool:
        """Take the lease, if nobody holds it or its holder has died, and tell whether that was so."""
        self._observe()
        if not self.kernel.take():
            return False
        if self.seen is not None and not (self._holder_has_died() and self._take_away()):
            return False
        with contextlib.suppress(FileExistsError), self.file.open("xb") as file:
            file.write(self._content())
            return True
        return False

    def _observe(self) -> None:
        """Note what the lease says, and since when; refuse to wait for ever."""
        found, now = read_lease(self.file), time.monotonic()
        if found != self.seen:
            self.changed_at = now
        if work_of(found) != work_of(self.seen) or found is None:
            self.progressed_at = now
        self.seen = found
        if now - self.progressed_at > NO_PROGRESS:
            raise StorageError(
                f"{self.file.parent} is held by {described(found)}, which has not got any further for "
                f"{NO_PROGRESS / 60:.0f} minutes. End that process, and start again."
            )

    def _holder_has_died(self) -> bool:
        """Tell whether the holder that was seen is no more: one of this machine would have its lock."""
        here = said_in(self.seen).get("machine") == this_machine()
        return (here and self.kernel.is_known) or time.monotonic() - self.changed_at > STALE

    def _take_away(self) -> bool:
        """Remove the lease that was seen, unless another process did so and has its own there now."""
        aside = self.file.with_name(f"{self.file.name}.{self.token}")
        try:
            self.file.replace(aside)
        except FileNotFoundError:
            return True
        taken = read_lease(aside)
        if taken != self.seen and not self.file.exists():
            aside.replace(self.file)
            return False
        aside.unlink(missing_ok=True)
        return taken == self.seen

    def _send_heartbeats(self) -> None:
        """Rewrite the lease every few seconds, as long as it is this process's."""
        while not self.released.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                if self._is_own():
                    self.beats += 1
                    aside = self.file.with_name(f"{self.file.name}.{self.token}")
                    aside.write_bytes(self._content())
                    aside.replace(self.file)

    def _is_own(self) -> bool:
        return said_in(read_lease(self.file)).get("token") == self.token

    def _content(self) -> bytes:
        about = {"machine": this_machine(), "name": platform.node(), "process": os.getpid()}
        return json.dumps({"token": self.token, "beats": self.beats, "work": self.work, **about}).encode()
