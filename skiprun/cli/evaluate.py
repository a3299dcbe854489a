"""`skiprun evaluate`: scores of a finished run, or of weights that another program wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.evaluation import evaluation_document, show_evaluation
from skiprun.cli.foreign import ForeignOptions, RunOrFile, is_foreign, rebuild_foreign
from skiprun.cli.option_groups import DataOptions, with_groups
from skiprun.cli.options import RUNS, Json, RunsFolder, user_path
from skiprun.cli.terminal import emit, loading, say, set_quiet


@with_groups
def evaluate(
    run: RunOrFile,
    *,
    split: Annotated[
        str | None,
        typer.Option(metavar="train|val|test", help="Default: test, but val of a run that is not finished."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="DIR",
            parser=user_path,
            help="Write a page there: confusion matrix, reliability, worst images; and a CSV of all images.",
        ),
    ] = None,
    place: DataOptions,
    of_file: ForeignOptions,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Score the best weights of RUN on a split. Or those of a FILE, with --model and --data.

    Then by class, and what was taken for what. Of ten classes or more: how many labels are among the five
    likeliest. How far the probabilities are from the shares that are right: ECE, the expected calibration
    error in 15 bins (Guo et al. 2017).

    Of masks: iou, dice, boundary (F-score of boundary pixels: of eight neighbours, within a square of
    segmentation.boundary_tolerance) and pixel_error; beside them what one class everywhere scores there, at
    best.
    """
    foreign = is_foreign(run, of_file, place.other_data)

    from skiprun import experiment
    from skiprun.system.disk import check_writable

    if report:
        check_writable(report)
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
    evaluation = experiment.evaluate_in_detail(parts, split)
    if json:
        emit(about | evaluation_document(evaluation))
    else:
        show_evaluation(evaluation, f"{name}, {split}, in {parts.setup.precision}")
    if report:
        say(f"Written: {experiment.write_evaluation(evaluation, name, report)}")
