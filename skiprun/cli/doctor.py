"""`skiprun doctor`: checks machine and config before a long run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, Device, Json, Root, RunsFolder, Set, overrides, user_path
from skiprun.cli.terminal import emit, results


def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(metavar="CONFIG", parser=user_path, help="A YAML file to foresee a run of."),
    ] = None,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Check this machine. With CONFIG also its data, its place on the disk and a few real steps."""
    from skiprun.config_file import load_config

    loaded = load_config(config, overrides(set_, device, root)) if config else None

    from skiprun.experiment.doctor import examine

    checks = list(examine(loaded, runs))
    code = next((check.exit_code for check in checks if check.state == "fail"), 0)
    if json:
        emit({"checks": [asdict(check) for check in checks], "exit_code": code})
    else:
        show_checks(checks)
    raise typer.Exit(code)


def show_checks(checks: list) -> None:
    """Print the checks; long findings go over several lines."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        colour = "green" if check.state == "ok" else "red"
        table.add_row(Text(check.state, style=colour), Text(check.name), Text(check.finding))
    results.print(table)
