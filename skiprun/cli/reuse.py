"""`skiprun reuse`: which earlier layers does each layer of a DenseNet use?"""

from __future__ import annotations

from skiprun.cli.options import RUNS, Device, Json, Quiet, RunsFolder
from skiprun.cli.study import Inquiry, RunNames, Weights, show


def reuse(
    names: RunNames,
    weights: Weights = "best",
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show how large the weights of each layer of RUN, a DenseNet, are on what each earlier layer gave."""
    from skiprun.experiment.material import Look
    from skiprun.experiment.subjects import find_trained

    look = Look(weights=weights, device=device)
    show(Inquiry("reuse", find_trained(names, runs), look, {}), runs=runs, json=json, quiet=quiet)
