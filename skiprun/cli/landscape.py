"""`skiprun landscape`: the loss around trained weights."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import Fresh, Images, RunNames, Seed, Split, StudyRequest, Weights, show


def landscape(
    names: RunNames,
    dims: Annotated[int, typer.Option(min=1, max=2, help="1: along a line; 2: over a plane.")] = 2,
    steps: Annotated[int, typer.Option(min=3, max=501, help="Points along a direction, an odd number.")] = 15,
    span: Annotated[float, typer.Option(min=0.001, max=100, help="Distance to the edge, in filter norms.")] = 1.0,
    seed: Seed = 0,
    split: Split = "train",
    images: Images = 256,
    weights: Weights = "best",
    trajectory: Annotated[bool, typer.Option("--trajectory", help="Train again to see the way to there.")] = False,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a core.")] = None,
    fresh: Fresh = False,
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the loss around the weights of RUN. The same command continues where it was stopped."""
    from skiprun.experiment.study_runner.material import SampleSelection
    from skiprun.experiment.study_runner.studying import free_processes
    from skiprun.experiment.study_runner.subjects import Place, find_trained

    subjects, workers = find_trained(names, runs, Place(root, other_data)), jobs or free_processes(device)
    look = SampleSelection(split, images, weights=weights, device=device)
    options = {"dims": dims, "steps": steps, "span": span, "seed": seed, "workers": workers}
    inquiries = [StudyRequest("landscape", subjects, look, options)]
    if trajectory:
        inquiries.append(StudyRequest("trajectory", subjects, look, {"steps": steps, "workers": workers}))
    show(*inquiries, runs=runs, json=json, quiet=quiet, fresh=fresh)
