"""Train runs in processes of their own, each with its share of the cores, and pass on what they tell."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from skiprun.config import RunConfig
from skiprun.errors import SkiprunError, Stopped
from skiprun.experiment.worker import enter, listen, train_here
from skiprun.system.machine import cores
from skiprun.system.processes import NO_GUARD, ready
from skiprun.system.progress import Progress
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)
ProgressFor = Callable[[str], Progress]


def in_parallel(missing: dict[str, RunConfig], runs: Path, jobs: int, progress_for: ProgressFor) -> None:
    """Train runs in processes, as many as there are jobs, and pass on what they tell.

    Raises:
        Stopped: a signal asked; every run has saved.
        SkiprunError: of the first run that failed, after all others ended.
    """
    context = ready()
    events: Queue[Any] = context.Queue()
    progresses = {label: progress_for(label) for label in missing}
    listener = threading.Thread(target=listen, args=(events, progresses), daemon=True)
    listener.start()
    cpu_sets: Queue[list[int]] = context.Queue()
    for number in range(jobs):
        cpu_sets.put(cores()[number::jobs] if jobs <= len(cores()) else cores())
    setup = (events, cpu_sets, log.getEffectiveLevel())
    with StopFlag() as stop, ProcessPoolExecutor(jobs, context, enter, setup) as pool, _killed_by_interrupt():
        futures = [
            pool.submit(train_here, label, config.to_dict(), runs) for label, config in missing.items()
        ]
        processes = list(pool._processes.values())
        _wait(futures, stop)
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
            f"{_cause({process.exitcode for process in processes})} The same command continues."
        )
    return failure


def _cause(codes: Collection[int | None]) -> str:
    """Say why processes ended, by their exit codes; those that the pool itself ended have SIGTERM's."""
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


def _wait(futures: Sequence[Future], stop: StopFlag) -> None:
    """Wait for all runs; once a signal asks, start no more and ask the running ones to save and stop."""
    waiting = set(futures)
    while waiting:
        waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED).not_done
        if stop.signal_number:
            waiting = {future for future in waiting if not future.cancel()}
            for child in multiprocessing.active_children():
                child.terminate()
