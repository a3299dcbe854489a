"""`skiprun evaluate`: scores of a finished run, or of weights that another program wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.foreign import Data, FileSet, Mean, Model, RunOrFile, Std, is_foreign, rebuild_file
from skiprun.cli.options import RUNS, Device, Json, OtherData, Root, RunsFolder, overrides
from skiprun.cli.scores import format_value
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, set_quiet


def evaluate(
    run: RunOrFile,
    split: Annotated[
        str | None,
        typer.Option(metavar="train|val|test", help="Default: test, but val of a run that is not finished."),
    ] = None,
    root: Root = None,
    other_data: OtherData = False,
    model: Model = None,
    data: Data = None,
    mean: Mean = None,
    std: Std = None,
    set_: FileSet = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Score the best weights of RUN on a split. Or those of a FILE, with --model and --data.

    Of masks: iou, dice, boundary (F-score of boundary pixels: of eight neighbours, within a square of
    segmentation.boundary_tolerance) and pixel_error; beside them what one class everywhere scores there, at
    best.
    """
    of_file = {"--model": model, "--data": data, "--mean": mean, "--std": std, "--set": set_}
    foreign = is_foreign(run, of_file, {"--other-data": other_data})

    from skiprun import experiment

    if foreign:
        parts, about = rebuild_file(run, of_file | {"--set": overrides(set_, device)}, root, runs, json)
        split = experiment.choose_split((), split)
        name = ", ".join([f"{run} as {model} on {data}", *(set_ or [])])
    else:
        set_quiet(False)
        opened = experiment.load_run(run, runs)
        split = experiment.choose_split([opened], split)
        parts = experiment.rebuild(opened, root, other_data, device or "auto")
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
