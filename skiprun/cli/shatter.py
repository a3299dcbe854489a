"""`skiprun shatter`: are gradients of neighbouring inputs alike?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.gradflow import Connections, Depths, Input, Norms, Protocol, Seeds, combined
from skiprun.cli.models import input_shape
from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder, Set, apart
from skiprun.cli.study import Names, StudyRequest, Weights, show
from skiprun.cli.terminal import be_silent, say
from skiprun.errors import InputError

OWN = ("shatter_depth", "shatter_theorem")


def shatter(
    names: Names = None,
    depths: Depths = None,
    connections: Connections = None,
    norms: Norms = None,
    points: Annotated[int, typer.Option(min=31, max=4096, help="Inputs on a line.")] = 128,
    lines: Annotated[int, typer.Option(min=1, help="Lines between images, for each network.")] = 3,
    seeds: Seeds = 3,
    weights: Weights = "best",
    config: Protocol = None,
    input_: Input = None,
    set_: Set = None,
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare gradients along lines with white and brown noise.

    Without a name, the paper's fully connected networks are drawn: autocorrelation by depth, and the theorems.
    """
    from skiprun.experiment.study_runner.material import SampleSelection
    from skiprun.experiment.study_runner.subjects import Place, find_subjects

    names, set_ = apart(names, set_)
    look = SampleSelection("train", batches=1, weights=weights, device=device)
    if not (names or depths or connections or norms):
        refuse_unused(set_, config, input_)
        show(*(StudyRequest(study, [], look, {}) for study in OWN), runs=runs, json=json, quiet=quiet)
        return
    wanted = combined(names, depths, connections, norms)
    tell, place = be_silent if quiet or json else say, Place(root, other_data)
    subjects = find_subjects(wanted, runs, config, set_, seeds, input_shape(input_), place, tell)
    show(StudyRequest("shatter", subjects, look, {"points": points, "lines": lines}), runs=runs, json=json, quiet=quiet)


def refuse_unused(overrides: Sequence[str], config: Path | None, input_: str | None) -> None:
    """Raise InputError for options that the paper's own networks do not take."""
    given = [f"--set {text}" for text in overrides]
    given += [f"{option} {value}" for option, value in (("--config", config), ("--input", input_)) if value]
    if given:
        raise InputError(f"{', '.join(given)}: the paper's own networks do not take it; name an architecture.")
