"""One study of one target, or of two together: called with what it needs, its document written to the run.

A document is plain data, so that it can be read, drawn and compared without torch. Rows of a long study are
kept while they come, in `studies/<study>.partial.jsonl`; the same command continues after the last of them.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import torch

import skiprun
from skiprun.experiment.study_runner.keeping import finished, forget_rows, keeping, warn_instead
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_record import record_of
from skiprun.infos import StudyInfo
from skiprun.models.weights.digest import weights_digest
from skiprun.registry import Entry
from skiprun.results.study_documents import Description, Document, Row, StudyFindings, StudyIdentity
from skiprun.studies.base import StudyResult
from skiprun.studies.signature import needs
from skiprun.system.documents import write_sealed
from skiprun.system.files import make_folder

log = logging.getLogger(__name__)

StudyEntry = Entry[Callable[..., StudyResult], StudyInfo]
Report = Callable[[Row, int], None]
ProgressFor = Callable[[str, int], Report]


@dataclass(frozen=True)
class StudyJob:
    """A study of one target, or of two together."""

    entry: StudyEntry
    inputs: Sequence[StudyInputs]
    given: dict[str, object]
    selection: SampleSelection
    folder: Path | None

    @property
    def label(self) -> str:
        """The names of the targets, or of the study if it has none."""
        return " and ".join(each.target.label for each in self.inputs) or self.entry.name

    @property
    def run(self) -> Path | None:
        """Where the first target was trained."""
        runs = self.inputs[0].target.runs if self.inputs else ()
        return runs[0].path if runs else None

    @property
    def file(self) -> Path | None:
        """Where the document is kept, if it can be; away from its run, its name says the run's."""
        if self.folder is None or self.run is None:
            return None
        labels = [each.target.label for each in self.inputs]
        stem = "-".join([self.entry.name, *labels[self.folder.parent == self.run :]]).replace(" ", "-")
        return self.folder / f"{stem}.json"

    def identity(self) -> StudyIdentity:
        """Return what rows of another try must share: study, options, data and weights, but not processes."""
        given = {key: list(value) if isinstance(value, tuple) else value for key, value in self.given.items()}
        given.pop("workers", None)
        return {
            "study": self.entry.name,
            "skiprun": skiprun.__version__,
            "options": given,
            "look": asdict(self.selection),
            "subjects": [record_of(each) for each in self.inputs],
            "fingerprint": weights_digest(each.model for each in self.inputs),
        }

    @property
    def _whose_images(self) -> str:
        """Say which split a verdict on a run is about, where that is not test."""
        looks = {"batches", "evaluate"}.intersection(needs(self.entry.target))
        if self.run is None or not looks or self.selection.split == "test":
            return ""
        return f" All images are of {self.selection.split}, not of test."

    def document(self, progress_for: ProgressFor, fresh: bool) -> Document:
        """Run the study; return its document, written beside the run if there is one and it can be."""
        started, identity = time.monotonic(), self.identity()
        lasting = self.file if "known" in inspect.signature(self.entry.target).parameters else None
        if lasting and fresh:
            forget_rows(lasting)
        elif lasting and (document := finished(lasting, identity)):
            log.info(f"{lasting} is finished already; --fresh starts over.")
            return document
        with keeping(lasting, identity) as (known, keep):
            report = progress_for(self.label, len(known))

            def tell(row: Row, total: int) -> None:
                keep(row)
                report(row, total)

            result = self._result(known, tell)
            document = {**identity, **self._found(result, time.monotonic() - started)}
            if self.file:
                with warn_instead():
                    make_folder(self.file.parent)
                    write_sealed(self.file, document)
        return document

    def _result(self, known: Sequence[Row], report: Report) -> StudyResult:
        """Call the study with what it needs."""
        study = self.entry.target
        vocabulary = [
            self.inputs[1].model if word == "other" else getattr(self.inputs[0], word)
            for word in needs(study)
        ]
        taken = inspect.signature(study).parameters
        ours = {key: value for key, value in (("known", known), ("report", report)) if key in taken}
        result: StudyResult = study(*vocabulary, **self.given, **ours)
        return result

    def _found(self, result: StudyResult, seconds: float) -> StudyFindings:
        """Return what was found, and how it is drawn."""
        return {
            "label": self.label,
            "paper": self.entry.info.paper,
            "run": str(self.run) if self.run else None,
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "seconds": round(seconds, 1),
            "verdict": result.verdict + self._whose_images,
            "facts": result.facts,
            "figures": [cast(Description, asdict(figure)) for figure in self.entry.info.figures],
            "rows": result.rows,
        }
