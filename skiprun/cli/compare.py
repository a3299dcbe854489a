"""`skiprun compare`: the controlled experiment, its table, its verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, Quiet, Root, RunsFolder, Set, apart, overrides, user_path
from skiprun.cli.terminal import Board, be_silent, emit, loading, results, say


def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Architectures, YAML files or runs.")],
    config: Annotated[
        Path | None,
        typer.Option("--config", parser=user_path, help="YAML file of the shared protocol; default: digits, embedded."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What new runs are called before NAME; default: the protocol.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, max=100, help="Train seeds 0 to N-1 of each.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at once; default: one a core if small.")] = None,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train what is missing under one protocol, then compare. Shows table, statistics and verdict; writes a page."""
    from skiprun import reports
    from skiprun.processes import ready

    names, changes = apart(names, set_)
    comparisons = runs / "comparisons"
    if jobs != 1 and len(names) * (seeds or 1) > 1 and not list(comparisons.glob(f"{reports.slug(names)}*")):
        ready()  # what training processes are forked from imports while this process does
    from skiprun import experiment
    from skiprun.experiment.keeping import told_instead

    silent = quiet or json
    tell = be_silent if silent else say
    planned = experiment.plan_comparison(names, config, overrides(changes, device, root), seeds, runs, root, name, tell)
    import matplotlib.figure  # noqa: F401 - for the report, while the server still imports

    with Board(silent) as board:
        done = experiment.train_missing(planned, runs, board.row, None if silent else loading, tell, jobs=jobs)
    comparison = reports.compare(done)
    folder = comparisons / reports.slug(names, experiment.experiment_digest(names, planned, runs))
    report: Path | None = None
    with told_instead(say):
        reports.write_comparison(comparison, folder)
        report = folder / "report.html"
    if json:
        emit(comparison.plain())
        return
    results.print(reports.comparison_table(comparison))
    for sentence in comparison.verdict.sentences:
        results.print(sentence, markup=False)
    if report:
        say(f"Report: {report}")
    if not comparison.groups:
        raise typer.Exit(1)
