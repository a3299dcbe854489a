"""`skiprun similarity`: do two networks compute the same, block by block?"""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import Batches, BatchSize, ScoredSplit, Weights, study_runs


def similarity(
    one: Annotated[str, typer.Argument(metavar="RUN_A", help="A run directory, or its name below runs/.")],
    other: Annotated[str, typer.Argument(metavar="RUN_B", help="Another run on the same data.")],
    split: ScoredSplit = None,
    batches: Batches = None,
    batch_size: BatchSize = None,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare blocks of RUN_A and RUN_B on the same images (CKA)."""
    look = {"split": split, "batches": batches, "batch_size": batch_size, "weights": weights, "device": device}
    study_runs("similarity", [one, other], {}, runs, json, quiet, root, other_data, **look)
