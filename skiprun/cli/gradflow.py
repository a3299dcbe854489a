"""`skiprun gradflow`: gradient and signal by depth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.models import input_shape
from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder, Set, apart, user_path
from skiprun.cli.study import Batches, BatchSize, Names, Split, StudyRequest, Weights, numbers, show, words
from skiprun.cli.terminal import be_silent, say

Depths = Annotated[str | None, typer.Option(metavar="20,56,110", help="Depths of a family, default resnet_cifar.")]
Connections = Annotated[str | None, typer.Option(metavar="none,add", help="Connections to put in.")]
Norms = Annotated[str | None, typer.Option(metavar="batch,none", help="Normalizations to put in.")]
Seeds = Annotated[int, typer.Option(min=1, max=100, help="Networks to draw of what is not trained.")]
Input = Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Look at random images of this size.")]
Protocol = Annotated[
    Path | None, typer.Option("--config", parser=user_path, help="YAML file that says on which data; default: digits.")
]


def gradflow(
    names: Names = None,
    depths: Depths = None,
    connections: Connections = None,
    norms: Norms = None,
    batches: Batches = None,
    batch_size: BatchSize = None,
    seeds: Seeds = 3,
    split: Split = "train",
    weights: Weights = "best",
    inference: Annotated[bool, typer.Option("--inference", help="Use batch norm's running statistics.")] = False,
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
    """Measure gradient and signal by depth. Of networks as they are drawn, or of runs.

    Nothing is trained. Digits are looked at; by networks for large images, and with --input, random ones.
    """
    from skiprun.experiment.study_runner.material import SampleSelection
    from skiprun.experiment.study_runner.subjects import Place, find_subjects

    names, set_ = apart(names, set_)
    wanted = combined(names, depths, connections, norms)
    tell, place = be_silent if quiet or json else say, Place(root, other_data)
    subjects = find_subjects(wanted, runs, config, set_, seeds, input_shape(input_), place, tell)
    look = SampleSelection(split, batches=batches, batch_size=batch_size, weights=weights, device=device)
    show(StudyRequest("gradflow", subjects, look, {"training": not inference}), runs=runs, json=json, quiet=quiet)


def combined(names: list[str] | None, depths: str | None, connections: str | None, norms: str | None) -> list[str]:
    """Return each name with every depth, connection and norm of the lists that were given."""
    from skiprun.experiment.study_runner.subjects import crossed

    return crossed(names or [], numbers(depths, "--depths"), words(connections), words(norms))
