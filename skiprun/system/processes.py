"""Start workers from a preloaded fork server and stop them with the parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Collection
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from skiprun.system.machine import safe_interpreters

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

# What training imports, also at its first step and for its first image: two seconds of a core.
IMPORTED = [
    "skiprun.system.forkserver_preload",
    "skiprun.cli",
    "skiprun.experiment",
    "torch.fx.experimental.symbolic_shapes",  # shapes on the meta device
    "skiprun.training.acceleration.fusion",
    "skiprun.training.views.tensorboard",
    "torch.utils.tensorboard",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
]
NO_GUARD = 70  # exit code of a process whose script starts others, without asking whether it is the first


def ready() -> ForkServerContext | SpawnContext:
    """Return what starts processes; the first call starts their server, which imports in the background.

    The server starts no threads and asks for no GPU. Where forking is not known to agree with torch, each
    process imports for itself. A process that is being started runs the user's script once more; where that
    would start processes again, it ends with `NO_GUARD`.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NO_GUARD)
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with safe_interpreters():
        forkserver.ensure_running()
    return context


def cause_of_death(codes: Collection[int | None]) -> str:
    """Say why processes ended, by their exit codes; those that a pool itself ended have SIGTERM's."""
    if NO_GUARD in codes:
        return "A script that trains several runs at once must do it below `if __name__ == '__main__':`."
    if -signal.SIGKILL in codes:
        return "A training process was killed, likely for want of memory. Try fewer --jobs."
    ends = [
        f"signal {-code}" if code < 0 else f"exit code {code}"
        for code in codes
        if code and code != -signal.SIGTERM
    ]
    return (
        f"A training process ended with {' and '.join(sorted(ends)) or 'no word'}; what it said stands above."
    )


def exit_with_parent() -> None:
    """Leave signals to the process that started this one, and end with it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """Let this process end once its parent has: one that is killed tells nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "this process was started by no other"

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
