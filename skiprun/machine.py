"""What this process may use of the machine."""

from __future__ import annotations

import os


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use; some systems do not say, and all are taken."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def keep_to(chosen: list[int]) -> None:
    """Let this process run on some cores only, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen)
