"""Run one study: prepare its inputs, call it, and write the results beside the run.

A document is plain data, so that it can be read, drawn and compared without torch. Rows of a long study are kept while
they come, in `studies/<study>.partial.jsonl`; the same command continues after the last of them.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast, get_type_hints

import torch
from pydantic import TypeAdapter, ValidationError

import skiprun
from skiprun.errors import InputError, OptionError, did_you_mean
from skiprun.experiment.finished import choose_split
from skiprun.experiment.study_runner.keeping import (
    finished,
    folder_for,
    forget,
    keeping,
    warn_instead,
    warn_of_folder,
    weights_digest,
)
from skiprun.experiment.study_runner.material import SampleSelection, StudyInputs
from skiprun.experiment.study_runner.subjects import StudyTarget
from skiprun.infos import StudyInfo
from skiprun.registry import STUDIES, Entry
from skiprun.results.study_documents import Description, Document, Row, StudyFindings, StudyIdentity
from skiprun.studies.base import StudyResult, needs, options
from skiprun.system.files import make_folder, write_json
from skiprun.system.machine import cores
from skiprun.system.progress import ProgressCallback

StudyEntry = Entry[Callable[..., StudyResult], StudyInfo]
log = logging.getLogger(__name__)

Report = Callable[[Row, int], None]
ProgressFor = Callable[[str, int], Report]


def study(
    name: str,
    subjects: Sequence[StudyTarget],
    look: SampleSelection | None = None,
    chosen: Mapping[str, object] | None = None,
    progress_for: ProgressFor = lambda label, done: lambda row, total: None,
    loading: ProgressCallback | None = None,
    fresh: bool = False,
    spare: Path | None = None,
) -> list[Document]:
    """Study each subject, or two beside each other if the study compares; write what is found beside each run.

    Args:
        name: of the registry of studies.
        subjects: what to study; a study of its own networks takes none.
        look: how much of the data.
        chosen: options of the study; a missing one has its default.
        progress_for: gives somebody to tell of each row, by the label of the subject and the rows that are there.
        loading: told of (done, total, what) while data is prepared.
        fresh: forget the rows that an earlier try left.
        spare: the folder that keeps what is found of a run whose own cannot be written to.

    Raises:
        UnknownName: there is no such study.
        OptionError: an option that it does not have, or a value that it does not take.
    """
    entry, look = STUDIES[name], look or SampleSelection()
    given = checked(entry, chosen or {})
    documents = []
    for together in _grouped(entry, subjects):
        runs = together[0].runs if together else ()
        split = choose_split([run for subject in together for run in subject.runs], look.split)
        seen = replace(look, split=split)
        folder = folder_for(runs[0].path, spare) if runs else None
        if runs:
            warn_of_folder(runs[0].path, folder)
        materials = [StudyInputs(subject, seen, loading) for subject in together]
        for material in materials:
            materials[0].must_share_data(material)
            log.info(f"{material.subject.label}: {material.summary}")
        documents.append(StudyJob(entry, materials, given, seen, folder).document(progress_for, fresh))
    return documents


def _grouped(entry: StudyEntry, subjects: Sequence[StudyTarget]) -> list[Sequence[StudyTarget]]:
    """Return the subjects as they are studied: none, each alone, or two together."""
    needed = needs(entry.target)
    if not needed:
        return [[]]
    if "other" not in needed:
        return [[subject] for subject in subjects]
    if len(subjects) != 2:
        raise InputError(f"'{entry.name}' compares two networks; found {len(subjects)}.")
    return [subjects]


@dataclass(frozen=True)
class StudyJob:
    """A study of one subject, or of two together."""

    entry: StudyEntry
    materials: Sequence[StudyInputs]
    given: dict[str, object]
    look: SampleSelection
    folder: Path | None

    @property
    def label(self) -> str:
        """The names of the subjects, or of the study if it has none."""
        return " and ".join(material.subject.label for material in self.materials) or self.entry.name

    @property
    def run(self) -> Path | None:
        """Where the first subject was trained."""
        runs = self.materials[0].subject.runs if self.materials else ()
        return runs[0].path if runs else None

    @property
    def file(self) -> Path | None:
        """Where the document is kept, if it can be; away from its run, its name says the run's."""
        if self.folder is None or self.run is None:
            return None
        labels = [material.subject.label for material in self.materials]
        stem = "-".join([self.entry.name, *labels[self.folder.parent == self.run :]]).replace(" ", "-")
        return self.folder / f"{stem}.json"

    def identity(self) -> StudyIdentity:
        """Return what rows of another try must share: study, options, data and weights; not the number of processes."""
        given = {key: list(value) if isinstance(value, tuple) else value for key, value in self.given.items()}
        given.pop("workers", None)
        return {
            "study": self.entry.name,
            "skiprun": skiprun.__version__,
            "options": given,
            "look": asdict(self.look),
            "subjects": [material.about for material in self.materials],
            "fingerprint": weights_digest(material.model for material in self.materials),
        }

    @property
    def _whose_images(self) -> str:
        """Say which split a verdict on a run is about, where that is not test."""
        looks = {"batches", "evaluate"}.intersection(needs(self.entry.target))
        if self.run is None or not looks or self.look.split == "test":
            return ""
        return f" All images are of {self.look.split}, not of test."

    def document(self, progress_for: ProgressFor, fresh: bool) -> Document:
        """Run the study; return its document, written beside the run if there is one and it can be."""
        started, identity = time.monotonic(), self.identity()
        lasting = self.file if "known" in inspect.signature(self.entry.target).parameters else None
        if lasting and fresh:
            forget(lasting)
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
                    write_json(self.file, document)
        return document

    def _result(self, known: Sequence[Row], report: Report) -> StudyResult:
        """Call the study with what it needs."""
        study = self.entry.target
        vocabulary = [
            self.materials[1].model if word == "other" else getattr(self.materials[0], word) for word in needs(study)
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


def free_processes(device: str | None) -> int:
    """Return how many processes may share a study: one a core, one in all on a GPU."""
    on_gpu = device != "cpu" and torch.cuda.is_available()
    return 1 if on_gpu else len(cores())


def checked(entry: StudyEntry, chosen: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a study, converted to their types, with all defaults.

    Raises:
        OptionError: an option that it does not have, or a value that it does not take.
    """
    known, hints = options(entry.target), get_type_hints(entry.target, include_extras=True)
    values = dict(known)
    for key, value in chosen.items():
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise OptionError(key, f"'{entry.name}' has no such option.{did_you_mean(key, known)} It has: {allowed}")
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            raise OptionError(key, f"found {value!r}; {error.errors()[0]['msg'].lower()}") from None
    return values
