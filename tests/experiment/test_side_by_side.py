"""What is told of runs side by side is told by their names, and how their work ends."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

import pytest

from skiprun.errors import Diverged, OutOfMemory, Stopped, StorageError
from skiprun.experiment.side_by_side import told_by_label
from skiprun.experiment.worker import failure_of
from skiprun.run import Run

DIVERGED, STOPPED = Diverged("loss", 3, 0.1, None), Stopped(signal.SIGTERM)
FULL, BROKEN = StorageError("Cannot write a.pt."), ValueError("wrong")


def test_every_handler_hears_the_label_once() -> None:
    logger, told = logging.getLogger("skiprun"), list[str]()
    handlers = [logging.Handler(), logging.Handler()]
    for handler in handlers:
        handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
        logger.addHandler(handler)
    try:
        with told_by_label(["seed 0"]):
            for name in ("seed 0", "another thread"):
                thread = threading.Thread(target=logger.warning, args=("%d steps", 3), name=name)
                thread.start()
                thread.join()
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
    assert told == ["seed 0: 3 steps"] * 2 + ["3 steps"] * 2
    assert not any(handler.filters for handler in handlers)


@pytest.mark.parametrize(
    ("ends", "with_"),
    [
        ([None, None], None),
        ([DIVERGED, None], None),
        ([None, FULL, BROKEN], FULL),
        ([FULL, STOPPED, DIVERGED], STOPPED),
    ],
)
def test_a_work_ends_with_its_first_failure_or_with_a_signal(
    ends: list[BaseException | None], with_: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "skiprun")
    found = {f"seed {number}": end or Run(Path("run")) for number, end in enumerate(ends)}
    assert failure_of(found) is with_
    failed = [(label, end) for label, end in found.items() if not isinstance(end, Run | Stopped)]
    kind = "ValueError: "  # nobody has put that in words
    assert caplog.messages == [f"{label}: {kind * (end is BROKEN)}{end}" for label, end in failed]


def test_out_of_memory_says_that_they_were_side_by_side() -> None:
    failure = failure_of({"seed 0": Run(Path("run")), "seed 1": OutOfMemory("Out of memory.")})
    assert isinstance(failure, OutOfMemory)
    assert str(failure) == "Out of memory. 2 runs were side by side; fewer --jobs take less."
