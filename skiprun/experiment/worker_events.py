"""What a training process tells its parent: log records, and the steps and epochs of runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from logging.handlers import QueueHandler
from typing import Any

from skiprun.experiment.shares import Share
from skiprun.system.logs import is_about_data
from skiprun.system.progress import LocatedProgress, Progress, Record


def listen(events: Any, progresses: Mapping[str, Progress]) -> None:
    """Pass log records and progress of the training processes on to this one's, until None comes."""
    while event := events.get():
        if isinstance(event, logging.LogRecord):
            logging.getLogger(event.name).handle(event)
        else:
            label, method, *values = event
            progress = progresses[label]
            if method != "located" or isinstance(progress, LocatedProgress):
                getattr(progress, method)(*values)


def log_to(events: Any, level: int) -> QueueHandler:
    """Send what this process logs to the one that asked for its work; return what does."""
    handler = QueueHandler(events)
    handler.setFormatter(logging.Formatter("%(processName)s: %(message)s"))
    handler.addFilter(lambda record: not is_about_data(record))  # which the parent has opened, and logged
    logging.getLogger("skiprun").addHandler(handler)
    logging.getLogger("skiprun").setLevel(level)
    return handler


class WorkerProgress:
    """Progress of a run in another process."""

    events: Any  # a queue of processes, or of a cluster
    share: Share
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
