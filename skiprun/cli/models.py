"""`skiprun models`: the architectures."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.errors import InputError

app = typer.Typer(cls=ListByDefault, help="List architectures; `models show NAME` shows one.", rich_markup_mode=None)

Input = Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Input size to count for.")]


def input_shape(text: str | None) -> tuple[int, int, int] | None:
    """Read a size such as 3x32x32."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdigit() and int(part) for part in parts):
        raise InputError(f"--input {text}: found no size; write channels x height x width, as 3x32x32.")
    channels, height, width = map(int, parts)
    return channels, height, width
