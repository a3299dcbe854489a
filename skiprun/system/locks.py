"""Exclusive locks between processes: by the kernel, or by a lock file where it has none."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.system.ordinary_files import refuse_link

if TYPE_CHECKING:
    from filelock import BaseFileLock

# What a disk answers that knows no locks of the kernel, as some network disks do.
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
SOFT_NOTICE = (
    "This disk knows no locks of the kernel; a file stands for the lock, which holds on one machine only."
)
# Looking at a lock shares it for an instant, which is not a run.
PATIENCE = 0.3


def acquire(file: Path) -> tuple[BaseFileLock, str]:
    """Return a held lock, and what a person should know of it, mostly nothing.

    Raises:
        filelock.Timeout: somebody else holds it.
        OSError: it cannot be taken, or is a link.
    """
    from filelock import FileLock, SoftFileLock

    refuse_link(file)
    lock: BaseFileLock = FileLock(file)
    try:
        lock.acquire(timeout=PATIENCE)
    except OSError as error:
        if error.errno not in NO_LOCKS:  # a Timeout has no number
            raise
        lock = SoftFileLock(soft(file))
        lock.acquire(timeout=PATIENCE)
    return lock, SOFT_NOTICE if isinstance(lock, SoftFileLock) else ""


def soft(file: Path) -> Path:
    """Return the file that stands for a lock."""
    return file.with_suffix(".softlock")


def is_held(file: Path) -> bool:
    """Tell whether a process holds a lock; nothing is written, and what cannot be looked at is not held."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_refused(file)
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # of a pipe, nobody waits for the other end
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return soft(file).exists()
    finally:
        os.close(descriptor)
    return False


def _is_refused(file: Path) -> bool:
    """Tell whether a lock is held by trying to take it, where there is no other way."""
    from filelock import Timeout

    try:
        if file.exists():
            acquire(file)[0].release()
    except Timeout:
        return True
    except OSError:
        return False
    return False
