"""Run a study on each of its targets: prepare its inputs, call it, and write the results beside the run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, get_type_hints

from pydantic import TypeAdapter, ValidationError

from skiprun.errors import InputError, OptionError, did_you_mean, explain_out_of_memory
from skiprun.experiment.finished import choose_split
from skiprun.experiment.study_runner.keeping import folder_for, warn_of_folder
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_job import ProgressFor, StudyEntry, StudyJob
from skiprun.experiment.study_runner.study_record import summary_of
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.registry import STUDIES
from skiprun.results.study_documents import Document
from skiprun.studies.signature import needs, options
from skiprun.system.machine import cores
from skiprun.system.progress import ProgressCallback
from skiprun.training.gpu import sees_gpu

log = logging.getLogger(__name__)
FEWER = "Free some, look at fewer images (--images, --batches, --batch-size), or use --device cpu."


class StudyRequest(NamedTuple):
    """One study of some networks.

    Attributes:
        study: a name of the registry of studies.
        targets: what to study; a study of its own networks takes none.
        selection: how much of the data.
        options: of the study; a missing one has its default.
    """

    study: str
    targets: Sequence[StudyTarget]
    selection: SampleSelection = SampleSelection()
    options: Mapping[str, object] = MappingProxyType({})


def run_study(
    request: StudyRequest,
    progress_for: ProgressFor = lambda *_: lambda *_: None,
    loading: ProgressCallback | None = None,
    fresh: bool = False,
    spare: Path | None = None,
    keep: bool = True,
) -> list[Document]:
    """Study each target, or two beside each other if the study compares; write what is found beside each run.

    Args:
        request: the study, its networks and its options.
        progress_for: gives somebody to tell of each row, by the label of the target and the rows that are
            there.
        loading: told of (done, total, what) while data is prepared.
        fresh: forget the rows that an earlier try left.
        spare: the folder that keeps what is found of a run whose own cannot be written to.
        keep: whether what is found is written at all.

    Raises:
        UnknownName: there is no such study.
        OptionError: an option that it does not have, or a value that it does not take.
    """
    entry, given = STUDIES[request.study], study_options(STUDIES[request.study], request.options)
    documents = []
    for together in _grouped(entry, request.targets):
        runs = together[0].runs if together else ()
        split = choose_split([run for target in together for run in target.runs], request.selection.split)
        seen = replace(request.selection, split=split)
        folder = folder_for(runs[0].path, spare) if runs and keep else None
        if runs and keep:
            warn_of_folder(runs[0].path, folder)
        with explain_out_of_memory(f"in the study {request.study}", FEWER):
            inputs = [StudyInputs(target, seen, loading) for target in together]
            for each in inputs:
                inputs[0].must_share_data(each)
                log.info(f"{each.target.label}: {summary_of(each)}")
            documents.append(StudyJob(entry, inputs, given, seen, folder).document(progress_for, fresh))
    return documents


def _grouped(entry: StudyEntry, targets: Sequence[StudyTarget]) -> list[Sequence[StudyTarget]]:
    """Return the targets as they are studied: none, each alone, or two together."""
    needed = needs(entry.target)
    if not needed:
        return [[]]
    if "other" not in needed:
        return [[target] for target in targets]
    if len(targets) != 2:
        raise InputError(f"'{entry.name}' compares two networks; found {len(targets)}.")
    return [targets]


def free_processes(device: str | None) -> int:
    """Return how many processes may share a study: one a core, one in all on a GPU."""
    on_gpu = device != "cpu" and sees_gpu()
    return 1 if on_gpu else len(cores())


def study_options(entry: StudyEntry, chosen: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a study, converted to their types, with all defaults.

    Raises:
        OptionError: an option that it does not have, or a value that it does not take.
    """
    known, hints = options(entry.target), get_type_hints(entry.target, include_extras=True)
    values = dict(known)
    for key, value in chosen.items():
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise OptionError(
                key, f"'{entry.name}' has no such option.{did_you_mean(key, known)} It has: {allowed}"
            )
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            raise OptionError(key, f"found {value!r}; {error.errors()[0]['msg'].lower()}") from None
    return values
