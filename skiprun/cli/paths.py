"""`skiprun paths`: the gradient by path length."""

from __future__ import annotations

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import Batches, BatchSize, Draws, RunNames, Seed, Split, Weights, study_runs


def paths(
    names: RunNames,
    draws: Draws = 12,
    seed: Seed = 0,
    split: Split = "train",
    batches: Batches = 4,
    batch_size: BatchSize = 32,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure through how many branches the gradient of RUN comes."""
    look = {"split": split, "batches": batches, "batch_size": batch_size, "weights": weights, "device": device}
    study_runs("paths", names, {"draws": draws, "seed": seed}, runs, json, quiet, root, other_data, **look)
