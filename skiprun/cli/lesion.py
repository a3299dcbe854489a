"""`skiprun lesion`: what a trained network loses without its blocks."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import Draws, Images, RunNames, ScoredSplit, Seed, Weights, study_runs

Side = Annotated[Literal["branch", "skip"], typer.Option(metavar="branch|skip", help="What is cut at a site.")]


def lesion(
    names: RunNames,
    side: Side = "branch",
    draws: Draws = 3,
    seed: Seed = 0,
    split: ScoredSplit = None,
    images: Images = None,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Delete each block of RUN, some by chance, and swap some. Shows what is lost."""
    options = {"side": side, "draws": draws, "seed": seed}
    look = {"split": split, "images": images, "weights": weights, "device": device}
    study_runs("lesion", names, options, runs, json, quiet, root, other_data, **look)
