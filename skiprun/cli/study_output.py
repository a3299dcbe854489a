"""Make studies, and show their tables and verdicts."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from skiprun.cli.option_groups import OutputOptions
from skiprun.cli.terminal import emit, results, set_quiet

if TYPE_CHECKING:
    from skiprun.experiment.study_runner.study import StudyRequest

log = logging.getLogger(__name__)


def show_studies(*requests: StudyRequest, output: OutputOptions, fresh: bool = False) -> None:
    """Study networks, write the figures, and print tables and verdicts, or one JSON document."""
    from skiprun import reports
    from skiprun.experiment.study_runner.drawn_study import make_study

    set_quiet(output.silent)
    with stopping():
        found = [make_study(each, output.runs, output.loading, fresh) for each in requests]
    if output.json:
        documents = [each.to_dict() for each in found]
        emit(documents[0] if len(documents) == 1 else documents)
        return
    for each in found:
        results.print(reports.study_table(each.documents))
        for file in each.figures:
            log.info(f"Figure: {file}")


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
