"""`skiprun truncate`: what the first blocks of a trained network know."""

from __future__ import annotations

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import Images, RunNames, ScoredSplit, Weights, study_runs


def truncate(
    names: RunNames,
    split: ScoredSplit = None,
    images: Images = 2000,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the first k blocks of RUN. With the trained head, and with a linear probe behind each block."""
    look = {"split": split, "images": images, "batches": 0, "weights": weights, "device": device}
    study_runs("truncate", names, {}, runs, json, quiet, root, other_data, **look)
