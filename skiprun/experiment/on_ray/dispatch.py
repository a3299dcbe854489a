"""Have errands done by the workers of a cluster; one whose worker is lost is begun again elsewhere."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from skiprun.errors import SkiprunError, Stopped, first_line, some
from skiprun.experiment.on_ray.task import Errand, Events, do
from skiprun.experiment.worker_events import listen
from skiprun.system.progress import Progress
from skiprun.training.stopping import StopFlag

log = logging.getLogger(__name__)
RETRIES = 10  # of a run whose worker was lost: each goes on from its checkpoint


class Dispatch:
    """Sends errands to workers and waits for their ends.

    Args:
        ray: the module, connected.
        jobs: errands at once; None: as many as the cluster has room for.
    """

    def __init__(self, ray: Any, jobs: int | None) -> None:
        self.ray, self.jobs = ray, jobs
        self.task = cache(self._task)  # Ray sends a function to the workers once

    def send(
        self, errands: Sequence[Errand], progresses: Mapping[str, Progress], done: Callable[[int], None]
    ) -> None:
        """Have errands done, and pass on what the workers tell."""
        queue = self._queue()
        listener = threading.Thread(target=self._listen, args=(queue, progresses), daemon=True)
        listener.start()
        given = (queue, str(Path.cwd()), log.getEffectiveLevel())
        with StopFlag() as stop:
            tasks = self._wait(errands, given, stop, done)
        Events(queue).put(None)
        listener.join(timeout=5)
        queue.shutdown()
        if stop.signal_number:
            raise Stopped(stop.signal_number)
        failures = [self._failure(task, errand) for task, errand in tasks.items()]
        if failed := [failure for failure in failures if failure]:
            raise failed[0]

    def _listen(self, queue: Any, progresses: Mapping[str, Progress]) -> None:
        """Pass on what workers tell; a cluster that is gone tells nothing more, and the wait says why."""
        with contextlib.suppress(self.ray.exceptions.RayError):
            listen(queue, progresses)

    def _queue(self) -> Any:
        """Return a queue on this machine: other machines may be lost."""
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = self.ray.get_runtime_context().get_node_id()
        place = NodeAffinitySchedulingStrategy(here, soft=True)
        return Queue(actor_options={"num_cpus": 0, "scheduling_strategy": place})

    def _wait(
        self,
        errands: Sequence[Errand],
        given: tuple[Any, ...],
        stop: StopFlag,
        done: Callable[[int], None],
    ) -> dict[Any, Errand]:
        """Return the task of each errand once all have ended; a signal lets them save and stop."""
        waiting, tasks = deque(errands), dict[Any, Errand]()
        running: list[Any] = []
        asked = False
        try:
            while running or waiting:
                while waiting and len(running) < (self.jobs or len(errands)):
                    errand = waiting.popleft()
                    running.append(self.task(errand.cores, errand.gpu_share).remote(errand, *given))
                    tasks[running[-1]] = errand
                least = 1 if waiting else len(running)
                _, running = self.ray.wait(running, num_returns=least, timeout=0.5)
                done(len(tasks) - len(running))
                if stop.signal_number and not asked:
                    asked = True
                    waiting.clear()
                    for task in running:
                        self.ray.cancel(task, force=False)
        except KeyboardInterrupt:  # a second Ctrl-C
            for task in running:
                self.ray.cancel(task, force=True)
            raise
        return tasks

    def _task(self, cores: int, gpu_share: float) -> Any:
        """Return what does an errand in a worker; Ray begins it again where that is lost."""
        return self.ray.remote(
            num_cpus=cores,
            num_gpus=gpu_share,
            max_retries=RETRIES,
            max_calls=1 if gpu_share else 0,  # a process holds memory of its GPU until it ends
        )(do)

    def _failure(self, task: Any, errand: Errand) -> SkiprunError | None:
        """Return why an errand failed, also if its worker was lost too often."""
        from ray.exceptions import RayError, RayTaskError

        try:
            return self.ray.get(task)
        except RayTaskError as error:
            raise error.cause from None
        except RayError as error:
            whose = f"{some(errand.labels)}: " if errand.labels else ""
            return SkiprunError(
                f"{whose}The worker was lost {RETRIES + 1} times, likely for want of memory "
                f"({first_line(str(error))}). The same command continues."
            )
