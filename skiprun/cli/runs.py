"""`skiprun runs`: what was run, its state, its numbers."""

from __future__ import annotations

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder
from skiprun.cli.terminal import emit, results

app = typer.Typer(cls=ListByDefault, help="List runs; `runs show RUN` shows one.", rich_markup_mode=None)


@app.command("list", epilog="Example: skiprun runs --json")
def list_runs(runs: RunsFolder = RUNS, json: Json = False) -> None:
    """List all runs with their state and scores."""
    from skiprun import reports
    from skiprun.run import find_runs

    found = find_runs(runs)
    if json:
        emit(reports.runs_rows(found))
    else:
        results.print(reports.runs_table(found))


@app.command(epilog="Example: skiprun runs show runs/smoke/seed-0")
def show(run: RunArgument, runs: RunsFolder = RUNS, json: Json = False) -> None:
    """Show the config, the state and the numbers of RUN."""
    from skiprun import reports
    from skiprun.run import Run, run_folder

    opened = Run.open(run_folder(run, runs))
    if json:
        emit(reports.run_details(opened))
    else:
        results.print(reports.run_table(opened))
