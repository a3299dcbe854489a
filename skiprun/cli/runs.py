"""`skiprun runs`: what was run, its state, its numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.options import RUNS, Json, RunArgument, RunsFolder, user_path
from skiprun.cli.terminal import emit, loading, results

app = typer.Typer(name="runs", cls=ListByDefault, rich_markup_mode=None, add_completion=False)


@app.callback(epilog="Example: skiprun runs 'resnet*' state=finished 'optim.lr<0.1' --sort test")
def runs() -> None:
    """List runs, put them in order, compare two; `runs show RUN` shows one."""


LATEST = 50
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WHICH",
        help="A name such as 'resnet*'; conditions such as state=finished 'test<5' tag=paper.",
    ),
]
Sort = Annotated[
    str | None, typer.Option(metavar="KEY", help="Sort by a key, rising; default: the latest first.")
]
Reverse = Annotated[bool, typer.Option("--reverse", help="The other way round.")]


@app.command("list", epilog="Example: skiprun runs 'resnet*' state=finished 'optim.lr<0.1' --sort test")
def list_runs(
    which: Words = None,
    sort: Sort = None,
    reverse: Reverse = False,
    runs: RunsFolder = RUNS,
    all_: Annotated[
        bool, typer.Option("--all", help=f"List every run, not the first {LATEST} only.")
    ] = False,
    json: Json = False,
) -> None:
    """List the latest runs with state and scores; --all or --json lists all.

    A condition is a key, one of = != < <= > >=, and a value, in quotes where a shell would read it. Keys are
    name, state, model, dataset, val, test, when, tag, every key of a config (optim.lr) and every number of a
    summary (best.val.error, time.images_per_s; `runs export` shows all). Text may hold * and ?.
    """
    from skiprun import reports

    most = None if all_ or json else LATEST
    listing = reports.list_runs(runs, most, which or (), sort, reverse, progress=loading)
    if json:
        emit(listing.rows)
    else:
        results.print(reports.listing_table(listing))


@app.command("show", epilog="Example: skiprun runs show runs/smoke/seed-0")
def show_run(run: RunArgument, runs: RunsFolder = RUNS, json: Json = False) -> None:
    """Show the config, the state and the numbers of RUN."""
    from skiprun import reports
    from skiprun.run import Run, run_folder

    opened = Run.open(run_folder(run, runs))
    if json:
        emit(reports.run_details(opened))
    else:
        results.print(reports.run_table(opened))


@app.command(epilog="Example: skiprun runs diff digits-plain56/seed-0 digits-resnet56/seed-0")
def diff(
    old: Annotated[Path, typer.Argument(metavar="A", parser=user_path, help="A run.")],
    new: Annotated[Path, typer.Argument(metavar="B", parser=user_path, help="Another one.")],
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Show in what B differs from A: config, results, machine."""
    from skiprun import reports
    from skiprun.run import Run, run_folder

    first, second = Run.open(run_folder(old, runs)), Run.open(run_folder(new, runs))
    if json:
        emit(reports.run_differences(first, second))
    else:
        results.print(reports.diff_table(first, second))
