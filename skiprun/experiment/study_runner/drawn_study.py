"""A study with its figures: made, written beside the run, and given back as commands and Python show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiprun.experiment.study_runner.keeping import folder_for, warn_instead
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_job import ProgressFor
from skiprun.reports import slug, study_html, write_study
from skiprun.results.study_documents import Document, Row
from skiprun.system.files import write_json
from skiprun.system.progress import ProgressCallback
from skiprun.system.shown import Shown, columns_of


@dataclass(frozen=True, repr=False)
class DrawnStudy(Shown):
    """What a study found.

    Attributes:
        study: its name.
        documents: of each network: rows, facts, verdict.
        figures: the files of its figures.
    """

    study: str
    documents: list[Document]
    figures: list[Path]

    def __repr__(self) -> str:
        return f"<DrawnStudy {self.study} of {', '.join(each['label'] for each in self.documents)}>"

    @property
    def verdicts(self) -> list[str]:
        """What may be said of each network."""
        return [document["verdict"] for document in self.documents]

    def columns(self) -> dict[str, list[Any]]:
        """Return the rows of all networks as columns."""
        found = [(document["label"], row) for document in self.documents for row in document["rows"]]
        return columns_of([{"network": label, **row} for label, row in found])

    def _repr_html_(self) -> str:
        return study_html(self.documents)

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, for JSON."""
        files = [str(file) for file in self.figures]
        return {"study": self.study, "networks": self.documents, "figures": files}


def make_study(
    request: StudyRequest, runs: Path, told: ProgressCallback | None = None, fresh: bool = False
) -> DrawnStudy:
    """Make one study and write its figures: beside the run if it is one, else below studies/ of all runs.

    Args:
        request: the study.
        runs: the folder of all runs.
        told: how much of the data is prepared, and how many rows are known.
        fresh: forget the rows that an earlier try left.
    """
    spare = runs / "studies" / slug([request.study, *(target.label for target in request.targets)])
    documents = run_study(request, counting(told), told, fresh, spare)
    return DrawnStudy(request.study, documents, write_figures(request, documents, runs, spare))


def write_figures(
    request: StudyRequest, documents: Sequence[Document], runs: Path, spare: Path
) -> list[Path]:
    """Write and return the figures of a study, and its document where it belongs to no single run."""
    alone = documents[0]["run"] if len(documents) == 1 else None
    labels = [document["label"] for document in documents if request.targets]
    together = runs / "studies" / slug([request.study, *labels])
    folder = folder_for(Path(alone), spare) if alone else together
    files: list[Path] = []
    if folder:  # else it was logged before the study
        with warn_instead():
            files = write_study(documents, folder)
            if not alone:
                write_json(folder / f"{request.study}.json", documents)
    return files


def counting(told: ProgressCallback | None) -> ProgressFor:
    """Return who counts the rows of a study, by its label and those that are there, and tells how many."""

    def progress_for(label: str, done: int) -> Any:
        def count(_row: Row, total: int) -> None:
            nonlocal done
            done += 1
            if told:
                told(done, total, label)

        return count

    return progress_for
