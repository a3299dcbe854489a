"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of all runs.", envvar="SKIPRUN_RUNS")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as optim.lr=0.05.")]
Device = Annotated[str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, or its name below runs/.")]

RUNS = Path("runs")


def overrides(given: list[str] | None, device: str | None = None) -> list[str]:
    """Return the overrides of a command line, with what has an option of its own."""
    return [*(given or []), *([f"device={device}"] if device else [])]
