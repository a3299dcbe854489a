"""`skiprun export`: the best weights of a run as a file for other programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import with_groups
from skiprun.cli.options import RUNS, Json, OtherData, Root, RunArgument, RunsFolder, user_path
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, set_quiet


@dataclass(frozen=True)
class Formats:
    """What is written."""

    onnx: Annotated[
        Path | None,
        typer.Option("--onnx", metavar="FILE", parser=user_path, help="For onnxruntime, OpenVINO, TensorRT."),
    ] = None
    pt2: Annotated[
        Path | None,
        typer.Option(
            "--pt2", metavar="FILE", parser=user_path, help="For torch.export.load, without the code."
        ),
    ] = None
    safetensors: Annotated[
        Path | None,
        typer.Option("--safetensors", metavar="FILE", parser=user_path, help="The weights alone."),
    ] = None
    state_dict: Annotated[
        Path | None,
        typer.Option(
            "--state-dict", metavar="FILE", parser=user_path, help="The weights, as torch.save has them."
        ),
    ] = None

    @property
    def files(self) -> dict[str, Path]:
        """Where to, by format."""
        return {name.replace("_", "-"): file for name, file in vars(self).items() if file}


@with_groups
def export(
    run: RunArgument,
    *,
    formats: Formats,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    root: Root = None,
    other_data: OtherData = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Write the best weights of RUN for other programs; what each file computes is compared before.

    Graphs take batches of any size, of images as large as the run's, and of larger ones where that could be
    proved. The metadata of each file says which, classes, how images are normalized, architecture, run,
    scores and digests. A file is not written if its outputs differ from the network's by more than 1e-5 of
    the largest, unless they are about as near to float64 as the network's own.
    """
    from skiprun import experiment

    set_quiet(json)
    written = experiment.export(experiment.load_run(run, runs), formats.files, root, other_data, overwrite)
    if json:
        return emit([asdict(each) for each in written])
    columns = [
        *("file", "format", "MB", "images", "max difference", "largest output"),
        *("file to float64", "network to float64", "images checked"),
    ]
    rows = [
        [
            *(each.file, each.format, f"{each.bytes / 1e6:.2f}", each.images),
            *(f"{each.max_difference:.2g}", f"{each.largest_output:.3g}"),
            *(f"{each.rounding:.2g}", f"{each.own_rounding:.2g}", each.checked),
        ]
        for each in written
    ]
    show_table(columns, rows, optional=("MB", "images checked"))
