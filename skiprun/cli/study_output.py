"""Make studies, show their tables and verdicts, and write their figures."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
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
    from skiprun import reports
    from skiprun.experiment.study_runner.study import run_study

    spare = runs / "studies" / reports.slug([request.study, *(target.label for target in request.targets)])
    progress_for, prepared = (_uncounted, None) if silent else (Counted, loading)
    with stopping():
        documents = run_study(request, progress_for, prepared, fresh, spare)
        files = write_figures(request, documents, runs, spare)
    return {"study": request.study, "networks": documents, "figures": [str(file) for file in files]}


def write_figures(
    request: StudyRequest, documents: Sequence[Document], runs: Path, spare: Path
) -> list[Path]:
    """Write and return the figures of a study, and its document where it belongs to no single run."""
    from skiprun import reports
    from skiprun.experiment.study_runner.keeping import folder_for, warn_instead
    from skiprun.system.files import write_json

    alone = documents[0]["run"] if len(documents) == 1 else None
    labels = [document["label"] for document in documents if request.targets]
    together = runs / "studies" / reports.slug([request.study, *labels])
    folder = folder_for(Path(alone), spare) if alone else together
    files: list[Path] = []
    if folder:  # else it was logged before the study
        with warn_instead():
            files = reports.write_study(documents, folder)
            if not alone:
                write_json(folder / f"{request.study}.json", documents)
    return files


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
