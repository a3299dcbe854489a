"""`skiprun compare`: the controlled experiment, its table, its verdict."""

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
    apart,
    overrides,
    user_path,
)
from skiprun.cli.progress import Board, loading
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands
from skiprun.results.size_match import SizeKind


def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Architectures, YAML files or runs.")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", parser=user_path, help="YAML file of the shared protocol; default: digits, embedded."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What new runs are called before NAME; default: the protocol.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help="Train seeds 0 to N-1 of each.")] = None,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add seeds from 3 on until all is decided; --seeds at most."),
    ] = False,
    jobs: Jobs = None,
    same_within: Annotated[
        float | None,
        typer.Option(metavar="MARGIN", help="Test whether networks are the same within so much test score."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Let runs differ in a key beside the model; else they may not."),
    ] = None,
    match: Annotated[
        SizeKind | None,
        typer.Option(
            metavar="params|macs",
            help="Scale the width of each network until it is as large as the first, within 2 %.",
        ),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE,VALUE", help="Train each with every value, as optim.lr=0.05,0.1,0.2."
        ),
    ] = None,
    ray: Ray = None,
    print_commands: PrintCommands = False,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train what is missing under one protocol, then compare. Shows table, statistics, verdict and a page."""
    from skiprun import reports
    from skiprun.system.processes import ready

    names, changes = apart(names, set_)
    silent = quiet or json
    asked: Any = {
        "protocol": config,
        "overrides": overrides(changes, device, root),
        "seeds": seeds,
        "runs": runs,
        "root": root,
        "prefix": name,
        "allow": allow or (),
        "match": match,
        "grid": grid or (),
        "loading": None if silent else loading,
    }
    if print_commands:
        return print_the_commands(names, asked, until_decided, json)
    if (
        jobs != 1
        and not ray
        and (grid or len(names) * (seeds or 1) > 1)
        and not list((runs / "comparisons").glob(f"{reports.slug(names)}*"))
    ):
        ready()  # what training processes are forked from imports while this process does
    import matplotlib.figure  # noqa: F401 - for the page, while the server still imports

    from skiprun import experiment

    set_quiet(silent)
    with Board(silent) as board:
        comparison = experiment.compare(
            names,
            **asked,
            jobs=jobs,
            ray=ray,
            same_within=same_within,
            until_decided=until_decided,
            progress_for=board.row,
        )
    if json:
        emit(comparison.to_dict())
        return
    results.print(reports.comparison_table(comparison))
    for sentence in comparison.verdict.sentences:
        results.print(sentence, markup=False)
    if comparison.report:
        say(f"Report: {comparison.report}")
    if not comparison.groups:
        raise typer.Exit(1)


def print_the_commands(names: list[str], asked: Any, until_decided: bool, json: bool) -> None:
    """Print a command line for each run that is missing; refuse to foresee what results decide."""
    from skiprun.errors import InputError

    if until_decided:
        raise InputError(
            "--print-commands: --until-decided asks for runs as it sees what came of others; leave it out, "
            "and say how many with --seeds."
        )
    from skiprun import experiment

    show_commands(experiment.compare_commands(names, **asked), json)
