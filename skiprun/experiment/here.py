"""The crew of this machine: processes, each with its share of it; what they tell is passed on."""

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
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skiprun.config import RunConfig
from skiprun.errors import SkiprunError, Stopped, counted
from skiprun.experiment.crew import Call, ProgressFor, list_experiments
from skiprun.experiment.places import Places
from skiprun.experiment.shares import Share, shares_of_cores
from skiprun.experiment.survey import survey
from skiprun.experiment.work import Work
from skiprun.experiment.worker import call_of, enter, listen, train_work
from skiprun.system.machine import cores
from skiprun.system.processes import cause_of_death, ready
from skiprun.system.progress import Progress
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)


class Here:
    """Trains on this machine, each run in a process with its share of it.

    Two threads on one tiny network gain a quarter; two networks on two cores gain a whole one. A small
    network trains to the same bits as alone, with one thread. A run that is alone is trained in this process.
    """

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def look(self, configs: Sequence[RunConfig]) -> Places:
        """Return the cores and the GPUs of this machine; those only where several runs share them."""
        return survey(list_experiments(configs)) if len(configs) > 1 and self.jobs != 1 else Places(cores())

    def train(self, works: Sequence[Work], places: Places, runs: Path, progress_for: ProgressFor) -> None:
        """Train runs; see `Crew.train`."""
        shares = places.shares(works, self.jobs)
        if len(shares) > 1 or shares[0].place:
            log.info(summary(works, shares))
            in_parallel(works, runs, shares, progress_for)
            return
        for work in works:
            progresses = {label: progress_for(label) for label in work.configs}
            train_work(work.configs, runs, progresses, work.until)

    def call(self, calls: Sequence[Call], done: Callable[[int], None]) -> None:
        """Call functions in processes; see `Crew.call`."""
        in_processes(calls, shares_of_cores(cores(), min(self.jobs or len(cores()), len(calls))), done=done)


def summary(works: Sequence[Work], shares: Sequence[Share]) -> str:
    """Say how many runs there are, how many at a time, and on how many GPUs."""
    places = {share.place for share in shares if share.place}
    where = f", on {counted(len(places), 'GPU')}" if places else ""
    sizes = sorted((len(work.configs) for work in works), reverse=True)
    return f"Training {counted(sum(sizes), 'run')}, {sum(sizes[: len(shares)])} at a time{where}."


def in_parallel(
    works: Sequence[Work], runs: Path, shares: Sequence[Share], progress_for: ProgressFor
) -> None:
    """Train runs in processes, as many as there are shares, and pass on what they tell."""
    progresses = {label: progress_for(label) for work in works for label in work.configs}
    in_processes([call_of(work, runs) for work in works], shares, progresses)


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
