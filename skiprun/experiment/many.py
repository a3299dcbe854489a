"""Train several runs in parallel, each in a process with its own cores.

Two threads on one tiny network gain a quarter; two networks on two cores gain a whole one. Each run is a process of
its own that keeps to its share of the cores; a small network trains to the same bits as alone, with one thread.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from logging.handlers import QueueHandler
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from skiprun.config import Count, RunConfig
from skiprun.config_file import build_config
from skiprun.errors import Diverged, SkiprunError, Stopped, counted
from skiprun.experiment.parts import prepare
from skiprun.experiment.plan import Planned
from skiprun.experiment.train import known_data, train
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.logs import is_about_data
from skiprun.system.machine import cores, set_affinity
from skiprun.system.processes import NO_GUARD, exit_with_parent, ready
from skiprun.system.progress import NullProgress, Progress, ProgressCallback, Record
from skiprun.training.device import SMALL_STEP
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)

ProgressFor = Callable[[str], Progress]


@checked_arguments
def train_missing(
    planned: Sequence[Planned],
    runs: Path | str,
    progress_for: ProgressFor = lambda label: NullProgress(),
    loading: ProgressCallback | None = None,
    jobs: Count | None = None,
) -> list[Run]:
    """Train what is not there yet, and return all runs in their order; one that diverges is a result, not an error.

    Args:
        planned: what the comparison consists of.
        runs: the folder of all runs.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.
        jobs: runs at once; None: one on a GPU, and on a CPU what `num_workers` says.
    """
    runs = Path(runs)
    for item in planned:
        item.refuse_what_is_not_ours()
    missing = {item.label: item.config for item in planned if item.config and item.missing}
    work: dict[str, int] = {}  # of a step, in multiply-adds
    for config in missing.values():  # every refusal comes before the first step
        if config.name not in work:
            parts = prepare(config, loading, accept=known_data(Run.of(runs, config)))
            work[config.name] = parts.cost.macs * config.data.batch_size
    if missing and jobs is None:
        small = max(work.values()) < SMALL_STEP
        jobs = num_workers(missing.values(), small) if parts.setup.device.type == "cpu" else 1
    if missing and min(jobs or 1, len(missing)) > 1:
        jobs = min(jobs or 1, len(missing))
        log.info(f"Training {counted(len(missing), 'run')}, {jobs} at a time.")
        # The largest first, so that no core waits for the last one alone.
        missing = dict(sorted(missing.items(), key=lambda item: -work[item[1].name]))
        in_parallel(missing, runs, jobs, progress_for)
    else:
        for label, config in missing.items():
            train_one(config, runs, progress_for(label))
    return [item.run for item in planned]


def num_workers(configs: Collection[RunConfig], small: bool) -> int:
    """Return how many runs to train at once on a CPU: one a core, or as their threads allow.

    Small ones that fill less than two rounds all begin at once, and the system gives each its turn: three runs on two
    cores take 1.5 times as long as one, where the third alone would make it twice.
    """
    threads = max(config.compute.threads or 1 for config in configs)
    jobs = max(1, len(cores()) // threads)
    return len(configs) if small and threads == 1 < jobs and len(configs) < 2 * jobs else jobs


def train_one(config: RunConfig, runs: Path, progress: Progress) -> None:
    """Train one run; a divergence is logged, and stays in the run's status."""
    try:
        train(config, runs=runs, progress=progress)
    except Diverged as error:
        log.info(str(error))


def in_parallel(missing: dict[str, RunConfig], runs: Path, jobs: int, progress_for: ProgressFor) -> None:
    """Train runs in processes, as many as there are jobs, and pass on what they tell.

    Raises:
        Stopped: a signal asked; every run has saved.
        SkiprunError: of the first run that failed, after all others ended.
    """
    context = ready()
    events: Queue[Any] = context.Queue()
    progresses = {label: progress_for(label) for label in missing}
    listener = threading.Thread(target=_listen, args=(events, progresses), daemon=True)
    listener.start()
    cpu_sets: Queue[list[int]] = context.Queue()
    for number in range(jobs):
        cpu_sets.put(cores()[number::jobs] if jobs <= len(cores()) else cores())
    setup = (events, cpu_sets, log.getEffectiveLevel())
    with StopFlag() as stop, ProcessPoolExecutor(jobs, context, _enter, setup) as pool, _killed_by_interrupt():
        futures = [pool.submit(_train_here, label, config.to_dict(), runs) for label, config in missing.items()]
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
        return SkiprunError(f"{_cause({process.exitcode for process in processes})} The same command continues.")
    return failure


def _cause(codes: Collection[int | None]) -> str:
    """Say why processes ended, by their exit codes; those that the pool itself ended have SIGTERM's."""
    if NO_GUARD in codes:
        return "A script that trains several runs at once must do it below `if __name__ == '__main__':`."
    if -signal.SIGKILL in codes:
        return "A training process was killed, likely for want of memory. Try fewer --jobs."
    ends = [
        f"signal {-code}" if code < 0 else f"exit code {code}" for code in codes if code and code != -signal.SIGTERM
    ]
    return f"A training process ended with {' and '.join(sorted(ends)) or 'no word'}; what it said stands above."


def _wait(futures: Sequence[Future], stop: StopFlag) -> None:
    """Wait for all runs; once a signal asks, start no more and ask the running ones to save and stop."""
    waiting = set(futures)
    while waiting:
        waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED).not_done
        if stop.signal_number:
            waiting = {future for future in waiting if not future.cancel()}
            for child in multiprocessing.active_children():
                child.terminate()


def _listen(events: Queue[Any], progresses: dict[str, Progress]) -> None:
    """Pass log records and progress of the training processes on to this one's, until None comes."""
    while event := events.get():
        if isinstance(event, logging.LogRecord):
            logging.getLogger(event.name).handle(event)
        else:
            label, method, *values = event
            getattr(progresses[label], method)(*values)


class WorkerProgress:
    """Progress of a run in another process."""

    events: Queue[Any]
    stopped = False

    def __init__(self, label: str) -> None:
        self.label, self.sent_at = label, 0.0

    def step(self, step: int, steps: int) -> None:
        """Send a step, a few times a second."""
        if time.monotonic() - self.sent_at > 0.2:
            self.sent_at = time.monotonic()
            self.events.put((self.label, "step", step, steps))

    def epoch(self, record: Record) -> None:
        """Send the record of an epoch."""
        self.events.put((self.label, "epoch", record))


def _enter(events: Queue[Any], cpu_sets: Queue[list[int]], level: int) -> None:
    """Prepare a training process: outside of training, signals are for the process that started it."""
    exit_with_parent()
    handler = QueueHandler(events)
    handler.setFormatter(logging.Formatter("%(processName)s: %(message)s"))
    handler.addFilter(lambda record: not is_about_data(record))  # which the parent has opened, and logged
    logging.getLogger("skiprun").addHandler(handler)
    logging.getLogger("skiprun").setLevel(level)
    WorkerProgress.events = events
    set_affinity(cpu_sets.get())


def _train_here(label: str, plain: dict[str, Any], runs: Path) -> SkiprunError | None:
    """Train one run in this process; return its error as one that can be passed between processes."""
    if WorkerProgress.stopped:  # the next run may be here already
        return None
    multiprocessing.current_process().name = label
    try:
        train_one(build_config(plain), runs, WorkerProgress(label))
    except (Stopped, KeyboardInterrupt):
        WorkerProgress.stopped = True
        return None
    except SkiprunError as error:
        passed = SkiprunError(f"{label}: {error}")
        passed.exit_code = error.exit_code
        return passed
    return None
