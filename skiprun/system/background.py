"""Do one thing after another in a thread, beside what goes on here."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """Does tasks in their order, in a thread of its own.

    The error of one is raised where somebody waits next, and what was to come after it is not done.
    """

    def __init__(self, most_waiting: int) -> None:
        self.most_waiting = most_waiting
        self.pool: ThreadPoolExecutor | None = None
        self.tasks = deque[Future[None]]()
        self.failed = False

    def do(self, task: Callable[[], None]) -> None:
        """Do something later; wait until few enough are waiting."""
        while len(self.tasks) >= self.most_waiting:
            self._finish_first()
        self.pool = self.pool or ThreadPoolExecutor(1, "background")
        self.tasks.append(self.pool.submit(self._unless_failed, task))

    def settle(self) -> None:
        """Wait until all is done or has failed; the error is for `wait`."""
        concurrent.futures.wait(self.tasks)

    def wait(self) -> None:
        """Wait until all is done, and raise what failed."""
        while self.tasks:
            self._finish_first()

    def close(self) -> None:
        """Wait until all is done, end the thread, and raise what failed."""
        self.settle()
        if self.pool is not None:
            self.pool.shutdown()
            self.pool = None
        self.wait()

    def _finish_first(self) -> None:
        concurrent.futures.wait([self.tasks[0]])  # an interrupt forgets nothing
        self.tasks.popleft().result()

    def _unless_failed(self, task: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            task()
        except BaseException:
            self.failed = True
            raise
