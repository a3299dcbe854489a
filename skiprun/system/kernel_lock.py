"""A lock of the kernel, which is free as soon as its process has died; some disks know none."""

from __future__ import annotations

from pathlib import Path

from skiprun.system.locks import NO_LOCKS


class KernelLock:
    """A lock that this process takes if it is free, on a disk that may know no locks.

    Attributes:
        is_known: False once the disk has said that it knows none.
    """

    def __init__(self, file: Path) -> None:
        import filelock

        self.lock, self.is_known = filelock.FileLock(file), True

    def take(self) -> bool:
        """Take the lock, where there is one, and tell whether no other process here holds it.

        Raises:
            OSError: it cannot be written.
        """
        import filelock

        try:
            if self.is_known and not self.lock.is_locked:
                self.lock.acquire(timeout=0)
        except filelock.Timeout:
            return False
        except NotImplementedError:
            self.is_known = False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            self.is_known = False
        return True

    def release(self) -> None:
        """Let others have the lock."""
        if self.is_known:
            self.lock.release()
