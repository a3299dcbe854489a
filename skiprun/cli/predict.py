"""`skiprun predict`: labels of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.options import Json, RunArgument
from skiprun.cli.terminal import emit, show_table


def predict(
    run: RunArgument,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of any size.")],
    top: Annotated[int, typer.Option(min=1, help="How many labels to show.")] = 3,
    json: Json = False,
) -> None:
    """Label pictures with the best weights of RUN."""
    from skiprun import experiment

    found = list(experiment.predict(experiment.load_run(run), images, top))
    if json:
        emit(found)
        return
    rows = [
        [item["file"], ", ".join(f"{each['label']} {each['probability']:.1%}" for each in item["top"])]
        for item in found
    ]
    show_table(["picture", "labels"], rows)
