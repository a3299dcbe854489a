"""`skiprun runs`: what was run, its state, its numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder
from skiprun.cli.terminal import emit, results

app = typer.Typer(
    cls=ListByDefault,
    help="List runs; `runs show RUN` shows one.",
    epilog="Example: skiprun runs show smoke",
    rich_markup_mode=None,
)


LATEST = 50


@app.command("list", epilog="Example: skiprun runs --json")
def list_runs(
    runs: RunsFolder = RUNS,
    all_: Annotated[
        bool, typer.Option("--all", help=f"List every run, not the latest {LATEST} only.")
    ] = False,
    json: Json = False,
) -> None:
    """List the latest runs with state and scores; --all or --json lists all."""
    from skiprun import reports

    listing = reports.list_runs(runs, None if all_ or json else LATEST)
    if json:
        emit(listing.rows)
    else:
        results.print(reports.listing_table(listing))


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
