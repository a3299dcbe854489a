"""Keep the page of a comparison current while its runs go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import Event, Thread

from skiprun.errors import SkiprunError
from skiprun.experiment.diagrams import network_diagrams, run_graph
from skiprun.experiment.planned import Planned
from skiprun.reports.page import Diagrams
from skiprun.reports.progress_page import write_progress
from skiprun.run import Run

EVERY = 5  # seconds from one page to the next
NAME = "page"  # of the thread
REST = 20  # times as long as a page took to write, if that is longer: the time belongs to training
log = logging.getLogger(__name__)


@contextmanager
def page_kept_current(planned: Sequence[Planned], folder: Path) -> Iterator[None]:
    """Write the page of a comparison every few seconds while the context lasts, of what its runs have logged.

    A browser that shows the page loads it anew as often. What ends the context by an error leaves a page that
    stands still.
    """
    ended, diagrams = Event(), partial(network_diagrams, graph_of=cache(run_graph))
    write = partial(_write_page, [item.run for item in planned], folder, diagrams)
    writer = Thread(target=_write_until, args=(ended, write, folder), name=NAME, daemon=True)
    writer.start()
    try:
        yield
    except BaseException:
        _stop_writer(ended, writer)
        write(None)
        raise
    _stop_writer(ended, writer)


def _stop_writer(ended: Event, writer: Thread) -> None:
    ended.set()
    writer.join()


def _write_until(ended: Event, write: Callable[[int], bool], folder: Path) -> None:
    """Write pages until something has ended; the first says where it is."""
    log.info(f"The page is kept current: {folder / 'report.html'}")
    while True:
        begun = time.monotonic()
        if not write(EVERY) or ended.wait(max(EVERY, REST * (time.monotonic() - begun))):
            return


def _write_page(runs: Sequence[Run], folder: Path, diagrams: Diagrams, every: int | None) -> bool:
    """Write the page, and return whether that was possible; training goes on without."""
    try:
        begun = [run for run in runs if run.config_file.exists()]
        write_progress(begun, len(runs), folder, every, diagrams)
    except SkiprunError as error:
        log.warning(f"{error} The page is written when all runs have ended.")
        return False
    return True
