"""Make studies, show their tables and verdicts, and write their figures."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypedDict

from skiprun.cli.loading import loading
from skiprun.cli.option_groups import OutputOptions
from skiprun.cli.terminal import emit, results, set_quiet
from skiprun.results.study_documents import Document, Row

if TYPE_CHECKING:
    from skiprun.experiment.study_runner.study import StudyRequest

log = logging.getLogger(__name__)


class StudyShown(TypedDict):
    """What is printed of a study: the document of each network, and the files of its figures."""

    study: str
    networks: list[Document]
    figures: list[str]


def show_studies(*requests: StudyRequest, output: OutputOptions, fresh: bool = False) -> None:
    """Study networks, write the figures, and print tables and verdicts, or one JSON document."""
    from skiprun import reports

    set_quiet(output.silent)
    found = [study_and_draw(each, output.runs, output.silent, fresh) for each in requests]
    if output.json:
        emit(found[0] if len(found) == 1 else found)
        return
    for each in found:
        results.print(reports.study_table(each["networks"]))
        for file in each["figures"]:
            log.info(f"Figure: {file}")


def study_and_draw(request: StudyRequest, runs: Path, silent: bool, fresh: bool) -> StudyShown:
    """Make one study and write its figures: beside the run if it is one, else below studies/ of all runs."""
    from skiprun.experiment.study_runner.drawn_study import draw_study

    progress_for, prepared = (_uncounted, None) if silent else (Counted, loading)
    with stopping():
        found = draw_study(request, runs, progress_for, prepared, fresh)
    return {
        "study": request.study,
        "networks": [*found.documents],
        "figures": [str(file) for file in found.figures],
    }


class Counted:
    """Progress of one study: how many of its rows are known."""

    def __init__(self, label: str, done: int) -> None:
        self.label, self.done = label, done

    def __call__(self, _row: Row, total: int) -> None:
        """Count a row, and show how many there are of `total`."""
        self.done += 1
        loading(self.done, total, self.label)


def _uncounted(_label: str, _done: int) -> Callable[[Row, int], None]:
    return lambda *_: None


@contextmanager
def stopping() -> Iterator[None]:
    """Let both signals end a study and its processes in the same orderly way, with 130 or 143."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        log.info(
            "Stopped; the network is as it was. The same command starts again, or continues a landscape."
        )
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
