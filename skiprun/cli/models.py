"""`skiprun models`: the architectures, one of them block by block, and what a kind of convolution saves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.options import Json
from skiprun.cli.terminal import emit, loading, show_table
from skiprun.errors import InputError

app = typer.Typer(cls=ListByDefault, help="List architectures; `models show NAME` shows one.", rich_markup_mode=None)

Input = Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Input size to count for.")]
Architecture = Annotated[str, typer.Argument(metavar="NAME", help="An architecture, or NAME:option=value.")]


def input_shape(text: str | None) -> tuple[int, int, int] | None:
    """Read a size such as 3x32x32."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdecimal() and 0 < int(part) <= 10_000 for part in parts):
        raise InputError(f"--input {text}: found no size; write channels x height x width, as 3x32x32.")
    channels, height, width = map(int, parts)
    return channels, height, width


@app.command("list", epilog='Example: skiprun models "resnet*" --input 3x32x32')
def list_models(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A name with * and ?.")] = "*",
    input: Input = None,
    json: Json = False,
) -> None:
    """List the architectures that PATTERN matches; MACs and memory are for one picture of training."""
    from skiprun import catalog

    rows = catalog.describe_models(pattern, input_shape(input), None if json else loading)
    if json:
        emit(rows)
        return
    columns = ["name", "connection", "layers", "parameters", "MACs", "memory", "sites", "year", "summary"]
    show_table(columns, [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[Any]:
    """Return the cells of one architecture."""
    facts = [row[key] for key in ("name", "connection", "layers", "parameters")]
    memory = row["activation_bytes"] and f"{row['activation_bytes'] / 2**20:,.1f} MiB"
    about = row["problem"] or row["summary"]
    return [*facts, row["macs"] and f"{row['macs'] / 1e6:,.1f} M", memory, row["sites"], str(row["year"]), about]


@app.command(epilog="Example: skiprun models show resnet56:connection=gated")
def show(name: Architecture, input: Input = None, json: Json = False) -> None:
    """Show an architecture block by block."""
    from skiprun import catalog

    rows = catalog.blocks(name, input_shape(input))
    if json:
        emit(rows)
        return
    columns = ["stage", "block", "kind", "input", "output", "parameters", "macs", "sites", "connection"]
    show_table(columns, [[_cell(row[column]) for column in columns] for row in rows])


@app.command(epilog="Example: skiprun models cost mobilenet_v1")
def cost(name: Architecture, input: Input = None, json: Json = False) -> None:
    """Show what depthwise separable convolutions save against standard ones of the same shape."""
    from skiprun import catalog

    rows, total = catalog.separable(name, input_shape(input))
    if json:
        emit({"layers": rows, "total": total})
        return
    columns = list(rows[0])
    show_table(columns, [[_cell(row.get(column)) for column in columns] for row in [*rows, total]])


def _cell(value: Any) -> Any:
    """Return a shape as 16x32x32, a factor with two digits, and anything else as it is."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:.2f}" if isinstance(value, float) else value
