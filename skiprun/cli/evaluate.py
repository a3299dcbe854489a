"""`skiprun evaluate`: scores of a finished run."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Json, OtherData, Root, RunArgument, RunsFolder
from skiprun.cli.terminal import emit, say, show_table


def evaluate(
    run: RunArgument,
    split: Annotated[str, typer.Option(metavar="train|val|test", help="Which part of the data.")] = "test",
    root: Root = None,
    other_data: OtherData = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Score the best weights of RUN on a split."""
    from skiprun import experiment

    opened = experiment.load_run(run, runs)
    scores = experiment.evaluate(opened, split=split, root=root, other_data=other_data, say=say)
    if json:
        emit({"run": str(opened.path), "split": split, **scores})
    else:
        rows = [[name, f"{value:.4f}"] for name, value in scores.items()]
        show_table(["score", "value"], rows, f"{opened.name}, {split}")
