"""Call functions in processes, each with its share of this machine."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from types import MappingProxyType
from typing import Any

from skiprun.errors import SkiprunError, Stopped
from skiprun.experiment.crew import Call
from skiprun.experiment.shares import Share
from skiprun.experiment.worker import enter
from skiprun.experiment.worker_events import listen
from skiprun.system.processes import cause_of_death, ready
from skiprun.system.progress import Progress
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)


def in_processes(
    calls: Sequence[Call],
    shares: Sequence[Share],
    progresses: Mapping[str, Progress] = MappingProxyType({}),
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Call functions in processes, as many as there are shares; each returns why it failed, or None.

    Args:
        calls: what can be sent to a process.
        shares: what each process has of the machine.
        progresses: who is told of the steps of runs, by label.
        done: told how many calls have ended, now and then.

    Raises:
        Stopped: a signal asked.
        SkiprunError: of the first call that failed, after all others ended.
    """
    context = ready()
    events: Queue[Any] = context.Queue()
    listener = threading.Thread(target=listen, args=(events, progresses), daemon=True)
    listener.start()
    waiting: Queue[Share] = context.Queue()
    for share in shares:
        waiting.put(share)
    setup = (events, waiting, log.getEffectiveLevel())
    pool = ProcessPoolExecutor(len(shares), context, enter, setup)
    with StopFlag() as stop, pool, _killed_by_interrupt():
        futures = [pool.submit(call) for call in calls]
        processes = list(pool._processes.values())
        _wait(futures, stop, done)
    events.cancel_join_thread()  # a process that was killed may have left it locked
    events.put(None)
    listener.join(timeout=5)
    if stop.signal_number:
        raise Stopped(stop.signal_number)
    failures = [_failure(future, processes) for future in futures if not future.cancelled()]
    if failed := [failure for failure in failures if failure]:
        raise failed[0]


@contextlib.contextmanager
def _killed_by_interrupt() -> Iterator[None]:
    """Kill the training processes when a second Ctrl-C quits, which the pool would wait for."""
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for child in multiprocessing.active_children():
            child.kill()
        raise


def _failure(future: Future, processes: Sequence[BaseProcess]) -> SkiprunError | None:
    """Return why a run failed, also if its process was killed; call it once all processes have ended."""
    try:
        failure: SkiprunError | None = future.result()
    except BrokenProcessPool:
        return SkiprunError(
            f"{cause_of_death({process.exitcode for process in processes})} The same command continues."
        )
    return failure


def _wait(futures: Sequence[Future], stop: StopFlag, done: Callable[[int], None]) -> None:
    """Wait for all runs; once a signal asks, start no more and ask the running ones to save and stop."""
    waiting = set(futures)
    while waiting:
        waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED).not_done
        done(len(futures) - len(waiting))
        if stop.signal_number:
            waiting = {future for future in waiting if not future.cancel()}
            for child in multiprocessing.active_children():
                child.terminate()
