"""Options of `skiprun evaluate` for a weight file of another program, which has no config beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiprun.cli.options import user_path
from skiprun.cli.progress import loading
from skiprun.cli.terminal import say
from skiprun.errors import InputError, OptionError

if TYPE_CHECKING:
    from skiprun.experiment import Parts

RunOrFile = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|FILE", parser=user_path, help="A run, or a file of another program's weights."
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Of a FILE: its architecture, or NAME:option=value."),
]
Data = Annotated[
    str | None, typer.Option("--data", metavar="NAME", help="Of a FILE: a dataset to score it on.")
]
Given = Mapping[str, Any]  # options by their names on the command line
Mean = Annotated[
    str | None,
    typer.Option("--mean", metavar="M,...", help="Of a FILE: the mean it was trained with, white is 1."),
]
Std = Annotated[str | None, typer.Option("--std", metavar="S,...", help="Of a FILE: the deviation likewise.")]
FileSet = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Of a FILE: a key, as data.image_size=32."),
]


def is_foreign(run: Path, of_file: Given, of_run: Given) -> bool:
    """Tell whether a file of weights is meant.

    Args:
        run: what is to be scored.
        of_file: the options that only a file of weights has, by their names.
        of_run: those that only a run has.

    Raises:
        InputError: options of both, or not all that a file needs.
    """
    given, others = ([option for option, value in options.items() if value] for options in (of_file, of_run))
    if not given and not run.is_file():
        return False
    if not (of_file["--model"] and of_file["--data"]):
        raise InputError(
            f"{run}: a file of weights needs --model and --data, as --model resnet20 --data digits; a run "
            f"has them in its config.yaml{f', and takes no {given[0]}' if given else ''}."
        )
    if others:
        raise InputError(
            f"{others[0]} is for a RUN; {run} is scored as a file of weights, on the data that is named."
        )
    return True


def rebuild_file(
    file: Path, of_file: Given, root: Path | None, runs: Path, silent: bool
) -> tuple[Parts, dict[str, object]]:
    """Return what is to be scored, and what JSON says of it; the notes are said."""
    from skiprun import experiment

    parts = experiment.rebuild_file(
        file,
        of_file["--model"],
        of_file["--data"],
        root=root,
        mean=parse_floats(of_file["--mean"], "--mean"),
        std=parse_floats(of_file["--std"], "--std"),
        overrides=of_file["--set"] or [],
        loading=None if silent else loading,
        runs=runs,
    )
    for note in parts.notes:
        say(note)
    about = {
        "weights": str(file),
        "model": of_file["--model"],
        "data": of_file["--data"],
        "set": of_file["--set"] or [],
    }
    return parts, about | {"mean": parts.loaders.mean, "std": parts.loaders.std, "notes": parts.notes}


def parse_floats(text: str | None, option: str) -> list[float] | None:
    """Read a list such as 0.49,0.48,0.45."""
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(option, f"found '{text}'; write numbers with commas, as 0.49,0.48,0.45") from None
