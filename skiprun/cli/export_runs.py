"""`skiprun runs export`: runs as a table for other programs, or into a tracker."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import with_groups
from skiprun.cli.options import RUNS, Json, RunsFolder, user_path
from skiprun.cli.predict import show_progress
from skiprun.cli.runs import Reverse, Sort, Words, app
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, loading, say
from skiprun.errors import InputError, UnknownName, counted


@dataclass(frozen=True)
class SelectionOptions:
    """Which runs, in which order."""

    which: Words = None
    sort: Sort = None
    reverse: Reverse = False
    runs: RunsFolder = RUNS


@dataclass(frozen=True)
class TrackerOptions:
    """Into which tracker."""

    to: Annotated[
        str | None, typer.Option("--to", metavar="mlflow|trackio|wandb", help="Write them into a tracker.")
    ] = None
    project: Annotated[
        str, typer.Option("--project", metavar="NAME", help="Of a tracker: its project or experiment.")
    ] = "skiprun"


@app.command(epilog="Example: skiprun runs export state=finished --to mlflow")
@with_groups
def export(
    *,
    selection: SelectionOptions,
    form: Annotated[
        str | None, typer.Option("--format", metavar="csv|json|md", help="Default: that of FILE, or csv.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            *("--output", "-o"),
            metavar="FILE|DIR",
            parser=user_path,
            help="Write it there; default: stdout. Of a tracker: a folder; default: the tracker's own.",
        ),
    ] = None,
    tracker: TrackerOptions,
    json: Json = False,
) -> None:
    """Write runs as a table with every key of config and summary; WHICH as in `runs list`.

    Or into a tracker, with --to: config, log, summary and tags of each run; again, to bring it up to date.
    Nothing is sent anywhere, unless your environment says so (MLFLOW_TRACKING_URI, WANDB_MODE=online).
    """
    if tracker.to:
        if form:
            raise InputError(f"--format is for a table; leave it out with --to {tracker.to}.")
        return to_tracker(selection, tracker, output, json)
    if json and form not in (None, "json"):
        raise InputError(f"--json and --format {form}: say one of the two.")
    to_table(selection, "json" if json else form, output)


def to_table(selection: SelectionOptions, form: str | None, output: Path | None) -> None:
    """Write runs as a table."""
    from skiprun import reports
    from skiprun.system.files import write_text

    form = form or (output.suffix[1:] if output else "csv")
    if form not in reports.FORMS:
        raise InputError(
            f"Runs can be written as {', '.join(reports.FORMS)}; found '{form}'. Say --format csv."
        )
    found = reports.list_runs(
        *(selection.runs, None, selection.which or (), selection.sort, selection.reverse),
        whole=True,
        progress=loading,
    )
    text = reports.export_text(found.rows, form)
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        say(f"Written: {output} ({counted(found.total, 'run')})")


def to_tracker(selection: SelectionOptions, options: TrackerOptions, folder: Path | None, json: bool) -> None:
    """Write runs into a tracker, and say what was done with each."""
    from skiprun import reports
    from skiprun.reports.trackers.tracker import write_runs
    from skiprun.reports.trackers.trackers import TRACKERS
    from skiprun.results.records import BROKEN
    from skiprun.system.disk import check_writable

    if options.to not in TRACKERS:
        raise UnknownName("tracker", str(options.to), TRACKERS)
    if folder:
        check_writable(folder)
    found = reports.list_runs(
        *(selection.runs, None, selection.which or (), selection.sort, selection.reverse), progress=loading
    )
    for row in found.rows:
        if row["state"] == BROKEN:
            say(f"Left out: {row['name']} cannot be read ({row['message']}).")
    chosen = [run for run, row in zip(found.runs, found.rows, strict=True) if row["state"] != BROKEN]
    tracker = TRACKERS[options.to](options.project, folder)
    done = write_runs(chosen, tracker, show_progress)
    if json:
        return emit({"to": options.to, "place": tracker.place, "project": options.project, "runs": done})
    show_table(["run", "done"], [[name, what] for name, what in done.items()])
    say(f"In {tracker.place}, project {options.project}. To look: {tracker.look}")
