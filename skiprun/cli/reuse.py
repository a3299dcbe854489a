"""`skiprun reuse`: which earlier layers does each layer of a DenseNet use?"""

from __future__ import annotations

from skiprun.cli.options import RUNS, Device, Json, OtherData, Quiet, Root, RunsFolder
from skiprun.cli.study import RunNames, Weights, study_runs


def reuse(
    names: RunNames,
    weights: Weights = "best",
    root: Root = None,
    other_data: OtherData = False,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show how each layer of RUN, a DenseNet, weighs earlier ones."""
    study_runs("reuse", names, {}, runs, json, quiet, root, other_data, weights=weights, device=device)
