"""`skiprun models draw`: the diagram of a network as an SVG file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.models import Input, app, input_shape
from skiprun.cli.options import RUNS, Json, RunsFolder, user_path
from skiprun.cli.terminal import emit, results
from skiprun.errors import InputError

Named = Annotated[
    str, typer.Argument(metavar="NAME", help="An architecture, NAME:option=value, or a finished run.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE.svg", parser=user_path, help="Default: named after NAME, here."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


@app.command(epilog="Example: skiprun models draw resnet56:connection=highway")
def draw(
    name: Named,
    input: Input = None,
    output: Output = None,
    overwrite: Overwrite = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Draw a network: its blocks and layers, and its skips as arcs.

    The layers of a run are coloured by the norms of their gradients, those of an architecture by their
    parameters. The file needs no other, and every browser shows it, prints it and saves it as PDF.
    """
    from skiprun.experiment.diagrams import diagram
    from skiprun.experiment.named import label_of
    from skiprun.inference.output_files import refuse_existing
    from skiprun.reports.diagram import svg_text
    from skiprun.system.files import make_folder, write_text

    file = output or Path(f"{label_of(name)}.svg")
    refuse_other_kinds(file)
    refuse_existing([file], overwrite)
    drawn = diagram(name, runs, input_shape(input))
    make_folder(file.parent)
    write_text(file, svg_text(drawn))
    if json:
        emit({"file": str(file), **drawn.to_dict()})
    else:
        results.print(str(file))


def refuse_other_kinds(file: Path) -> None:
    """Raise InputError for a file that is called anything but an SVG."""
    if file.suffix.lower() != ".svg":
        raise InputError(
            f"--output {file}: found '{file.suffix}'; a diagram is an .svg, which a browser prints to PDF."
        )
