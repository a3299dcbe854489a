"""`skiprun evaluate`: scores of a finished run."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Json, OtherData, Root, RunArgument, RunsFolder
from skiprun.cli.terminal import digits, emit, say, show_table


def evaluate(
    run: RunArgument,
    split: Annotated[str, typer.Option(metavar="train|val|test", help="Which part of the data.")] = "test",
    root: Root = None,
    other_data: OtherData = False,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Score the best weights of RUN on a split.

    Of masks: iou, dice, boundary (F-score of boundary pixels: of eight neighbours, within a square of
    segmentation.boundary_tolerance) and pixel_error; trivial is what one class everywhere scores there, at best.
    """
    from skiprun import experiment

    opened = experiment.load_run(run, runs)
    parts = experiment.rebuild(opened, root, other_data, say)
    scores, trivial = experiment.score(parts, split), parts.trivial.get(split, {})
    if json:
        emit({"run": str(opened.path), "split": split, **scores, **({"trivial": trivial} if trivial else {})})
    else:
        rows = [[name, *(digits(each.get(name), ".4f") for each in (scores, trivial))] for name in scores]
        columns = ["score", "value", "trivial"][: 3 if trivial else 2]
        show_table(columns, [row[: len(columns)] for row in rows], f"{opened.name}, {split}")
