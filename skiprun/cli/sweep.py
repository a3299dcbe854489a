"""`skiprun sweep`: settings of a config, each with the same seeds, and the one that validation chooses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skiprun.cli.options import (
    RUNS,
    Device,
    Jobs,
    Json,
    PrintCommands,
    Quiet,
    Ray,
    Root,
    RunsFolder,
    Set,
    overrides,
    user_path,
)
from skiprun.cli.progress import Board, loading
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands


def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="SWEEP.yaml", parser=user_path, help="What is varied, over which config."),
    ],
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Train seeds 0 to N-1 of each; default: the file's.")
    ] = None,
    halving: Annotated[
        bool, typer.Option("--halving", help="Stop hopeless settings early, by successive halving.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="What the sweep is called; default: the name of the file.")
    ] = None,
    jobs: Jobs = None,
    ray: Ray = None,
    print_commands: PrintCommands = False,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a grid of settings, or random ones, and choose one.

    The file names a config, the keys that vary (grid: values, or random: distributions), and seeds.
    Validation chooses; the test score of what was chosen is the one to report. All pairs of settings are
    tested over seeds, by validation, so it is said which are not told apart from the chosen one. --halving
    goes on with one of three settings where a ninth of the run is over, and again where a third is. The same
    command continues; more seeds or settings go on from fewer.
    """
    from skiprun import experiment, reports

    silent = quiet or json
    asked: Any = {
        "overrides": overrides(set_, device, root),
        "seeds": seeds,
        "halving": halving,
        "runs": runs,
        "name": name,
    }
    if print_commands:
        return show_commands(experiment.sweep_commands(file, **asked), json)
    set_quiet(silent)
    with Board(silent) as board:
        told = None if silent else loading
        found = experiment.sweep(file, **asked, jobs=jobs, ray=ray, progress_for=board.row, loading=told)
    if json:
        emit(found.to_dict())
        return
    results.print(reports.sweep_table(found))
    say(f"Written: {found.folder / 'sweep.md'}")
    if found.finding.evidence is None:
        raise typer.Exit(1)
