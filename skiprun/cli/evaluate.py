"""`skiprun evaluate`: scores of a finished run, or of weights that another program wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.foreign import ForeignOptions, RunOrFile, is_foreign, rebuild_foreign
from skiprun.cli.option_groups import DataOptions, with_groups
from skiprun.cli.options import RUNS, Json, RunsFolder
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, loading, set_quiet
from skiprun.display.scores import format_value


@with_groups
def evaluate(
    run: RunOrFile,
    *,
    split: Annotated[
        str | None,
        typer.Option(metavar="train|val|test", help="Default: test, but val of a run that is not finished."),
    ] = None,
    place: DataOptions,
    of_file: ForeignOptions,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Score the best weights of RUN on a split. Or those of a FILE, with --model and --data.

    Of masks: iou, dice, boundary (F-score of boundary pixels: of eight neighbours, within a square of
    segmentation.boundary_tolerance) and pixel_error; beside them what one class everywhere scores there, at
    best.
    """
    foreign = is_foreign(run, of_file, place.other_data)

    from skiprun import experiment

    if foreign:
        weights = of_file.weights(run, place.root, place.device)
        parts, about = rebuild_foreign(weights, runs, None if json else loading)
        split = experiment.choose_split((), split)
        name = ", ".join([f"{run} as {weights.model} on {weights.data}", *(of_file.set_ or [])])
    else:
        set_quiet(False)
        opened = experiment.load_run(run, runs)
        split = experiment.choose_split([opened], split)
        parts = experiment.rebuild(opened, place.root, place.other_data, place.device or "auto")
        about, name = {"run": str(opened.path), "data": parts.loaders.fingerprint}, opened.name
    scores, trivial = experiment.score(parts, split), parts.trivial.get(split, {})
    if json:
        emit(
            about
            | {
                "split": split,
                "precision": parts.setup.precision,
                **scores,
                **({"trivial": trivial} if trivial else {}),
            }
        )
    else:
        columns = {"value": scores} | ({"by one class everywhere": trivial} if trivial else {})
        rows = [
            [
                f"{each} %" if each == "error" else each,
                *(format_value(of.get(each), ".4f") for of in columns.values()),
            ]
            for each in scores
        ]
        show_table(["score", *columns], rows, f"{name}, {split}, in {parts.setup.precision}")
