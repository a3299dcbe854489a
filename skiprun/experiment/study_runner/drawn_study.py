"""A study with its figures: by the words of Python, or as the command line requests it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skiprun.config import Count
from skiprun.experiment.study_runner.keeping import folder_for, warn_instead
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_job import ProgressFor
from skiprun.experiment.study_runner.study_targets import find_targets, find_trained
from skiprun.registry import STUDIES
from skiprun.reports.page import slug
from skiprun.reports.study_figures import write_study
from skiprun.results.study_documents import Document
from skiprun.run import RUNS
from skiprun.studies.signature import needs
from skiprun.system.arguments import checked_arguments
from skiprun.system.files import write_json
from skiprun.system.progress import ProgressCallback

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class DrawnStudy:
    """What a study found.

    Attributes:
        documents: of each network: rows, facts, verdict.
        figures: the files that were drawn of all.
    """

    documents: Sequence[Document]
    figures: Sequence[Path]


@checked_arguments
def study(
    name: str,
    networks: Sequence[str] = (),
    *,
    options: Mapping[str, Any] = NOTHING,
    look: Mapping[str, Any] = NOTHING,
    seeds: Count = 3,
    protocol: Path | str | None = None,
    overrides: Sequence[str] = (),
    runs: Path | str = RUNS,
) -> DrawnStudy:
    """Take networks apart and draw what is found; what the command of a study does.

    Args:
        name: of `skiprun studies`.
        networks: architectures, also with options as `resnet56:connection=highway`, or runs; what is made of
            trained networks takes runs alone.
        options: of the study.
        look: how much of the data: split, images, batches, batch_size, weights, device.
        seeds: networks to draw of what is not trained.
        protocol: the YAML file that says on which data architectures are studied; default: digits.
        overrides: `section.key=value` for what is not trained.
        runs: the folder of all runs.

    Raises:
        UnknownName: there is no such study.
        OptionError: an option that it does not have, or a value that it does not take.
        InputError: a name is neither an architecture nor a run.
    """
    entry, folder = STUDIES[name], Path(runs)
    selection = SampleSelection(**{**entry.info.look, **look})
    if "models" in needs(entry.target):
        targets = find_targets(networks, folder, Path(protocol) if protocol else None, overrides, seeds)
    else:
        targets = find_trained(networks, folder)
    return draw_study(StudyRequest(name, targets, selection, options), folder)


def draw_study(
    request: StudyRequest,
    runs: Path,
    progress_for: ProgressFor = lambda *_: lambda *_: None,
    loading: ProgressCallback | None = None,
    fresh: bool = False,
) -> DrawnStudy:
    """Make a study and its figures: beside the run if it is one, else below studies/ of all runs."""
    spare = runs / "studies" / slug([request.study, *(target.label for target in request.targets)])
    documents = run_study(request, progress_for, loading, fresh, spare)
    return DrawnStudy(documents, _write_figures(request, documents, runs, spare))


def _write_figures(
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
