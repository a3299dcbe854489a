"""A pool of worker processes that end when their parent ends, even if it is killed.

A worker is a Python process that reads work from one pipe and writes results to another. When its parent
dies, also by SIGKILL, the pipes end and so does the worker. The pools of multiprocessing and joblib are left
waiting for ever then, and the former run the user's own script again where they cannot fork.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

from skiprun.errors import SkiprunError
from skiprun.system.machine import interpreter_environment

Work = TypeVar("Work")
Result = TypeVar("Result")

# Arithmetic in a worker stays on its own core.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def in_order(
    function: Callable[[Work], Result], chunks: Sequence[Work], processes: int
) -> Generator[Result, None, None]:
    """Yield function(chunk) for each chunk, in order; a few chunks a process are under way at once.

    Args:
        function: a module's function, or a partial of one; it must not need torch.
        chunks: what can be pickled.
        processes: how many to start; 1 works in this one.
    """
    processes = min(processes, len(chunks))
    if processes == 1:
        yield from map(function, chunks)
        return
    with contextlib.ExitStack() as stack:
        idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        threads = stack.enter_context(ThreadPoolExecutor(processes))
        for _ in range(processes):
            idle.put(stack.enter_context(Worker(function)))

        def ask(chunk: Work) -> Result:
            worker = idle.get()
            try:
                return cast(Result, worker.ask(chunk))
            finally:
                idle.put(worker)

        waiting: deque[Future[Result]] = deque()
        stack.callback(lambda: [future.cancel() for future in waiting])
        for chunk in chunks:
            waiting.append(threads.submit(ask, chunk))
            if len(waiting) >= 3 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Worker:
    """A process that applies one function to what it is sent."""

    def __init__(self, function: Callable) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from skiprun.data.folders.workers import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=interpreter_environment() | ONE_THREAD,
            start_new_session=True,  # Ctrl-C in the terminal is this process's to handle
        )
        self._send(function)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()

    def ask(self, chunk: object) -> object:
        """Return what the function makes of a chunk, or raise what it raised."""
        try:
            self._send(chunk)
            assert self.process.stdout is not None
            result = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            status = self.process.wait()
            raise SkiprunError(
                f"A process that decodes images died (status {status}), perhaps for want of memory. "
                "Start again with more of it free."
            ) from None
        if isinstance(result, Exception):
            raise result
        return result

    def _send(self, thing: object) -> None:
        assert self.process.stdin is not None
        pickle.dump(thing, self.process.stdin, protocol=5)
        self.process.stdin.flush()


def serve() -> None:
    """Be a worker: read a function, then chunks, and write results, until the pipes end."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What libraries print must not fall among the results.
    sys.stdout = sys.stderr
    with contextlib.suppress(EOFError, BrokenPipeError):
        function = pickle.load(source)
        while True:
            chunk = pickle.load(source)
            try:
                result = function(chunk)
            except Exception as error:
                result = error
            pickle.dump(result, sink, protocol=5)
            sink.flush()
