"""`skiprun models`: list architectures, show one block by block, and compare the cost of two."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.listings import show_options
from skiprun.cli.options import Json
from skiprun.cli.tables import WIDE, show_table
from skiprun.cli.terminal import emit, loading, people, results, say
from skiprun.errors import InputError, counted
from skiprun.models.complexity.rows import BlockRow, ModelRow

app = typer.Typer(name="models", cls=ListByDefault, rich_markup_mode=None, add_completion=False)


@app.callback(epilog='Example: skiprun models "resnet*"')
def models() -> None:
    """List architectures; `models show NAME` shows one."""


# What the tables below, or another command, say too.
OPTIONAL = ("year", "connection", "input", "memory\nGiB", "family")

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
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images a step, for the memory.")] = 128,
    json: Json = False,
) -> None:
    """List the architectures that PATTERN matches, with their cost.

    MACs are multiply-adds for one image; memory is that of the activations in float32.
    """
    from skiprun.models.complexity import catalog

    rows = catalog.describe_models(
        pattern, input_shape(input), None if json or not people.is_terminal else loading
    )
    if json:
        emit([{**row, "batch": batch, "batch_bytes": _batch_bytes(row, batch)} for row in rows])
        return
    if not rows:
        raise InputError(f"No architecture matches '{pattern}'; `skiprun models` lists them all.")
    columns = ["name", "family", "connection", "layers", "parameters", "MACs", "memory\nGiB", "input", "year"]
    wide = ["summary"] if results.width >= WIDE else []
    title = (
        f"MACs of one image; memory for the activations of {counted(batch, 'image')} "
        "while training in float32"
    )
    show_table(
        columns + wide,
        [[*_model_row(row, batch), *(row.get(key) for key in wide)] for row in rows],
        title,
        OPTIONAL,
    )
    results.print()
    show_table(
        ["family", "paper"], _rows_by_first([(row["family"], row["paper"] or "-") for row in rows], "; ")
    )
    results.print()
    fits = [(", ".join(row["connections"]) or "no sites", row["family"]) for row in rows]
    show_table(["connections that fit", "family"], _rows_by_first(fits, ", "))
    for row in rows:
        if row["problem"]:
            say(f"{row['name']}: {row['problem']}")


def _batch_bytes(row: ModelRow, batch: int) -> int | None:
    """Return what the activations of a batch take; None where they could not be counted."""
    return row["activation_bytes"] and batch * row["activation_bytes"]


def _model_row(row: ModelRow, batch: int) -> list[object]:
    """Return the cells of one architecture."""
    channels, height, width = row["input"]
    size = height if channels == 3 and height == width else f"{channels}x{height}x{width}"
    memory = (held := _batch_bytes(row, batch)) and f"{held / 2**30:6.2f}"
    facts = [row["name"], row["family"], row["connection"], row["layers"], row["parameters"]]
    return [*facts, _macs_text(row["macs"]), memory, size, str(row["year"])]


def _rows_by_first(pairs: list[tuple[str, str]], between: str) -> list[list[str]]:
    """Return a row for each first word, with all of its second words, each once."""
    found: dict[str, dict[str, None]] = {}
    for first, second in pairs:
        found.setdefault(first, {})[second] = None
    return [[first, between.join(seconds)] for first, seconds in found.items()]


def _macs_text(number: int | None) -> str | None:
    """Return a number of multiply-adds in millions, or in thousands of millions; a small one as it is."""
    if number is None or number < 1e5:
        return number if number is None else f"{number:6,}"
    return f"{number / 1e6:6.1f} M" if number < 1e9 else f"{number / 1e9:6.2f} G"


@app.command(epilog="Example: skiprun models show resnet56:connection=highway")
def show(name: Architecture, input: Input = None, json: Json = False) -> None:
    """Show an architecture block by block, and its options."""
    from skiprun.models.complexity import architecture

    rows, options = architecture.blocks(name, input_shape(input)), architecture.list_options(name)
    if json:
        emit({"blocks": rows, "options": options})
        return
    wide = ["input"] if results.width >= WIDE else []
    columns = ["stage", "block", "kind", *wide, "output", "parameters", "macs"]
    titles = [*columns[:-1], "MACs", "connection"]
    show_table(
        titles, [[*(_cell(column, row.get(column)) for column in columns), _joined(row)] for row in rows]
    )
    show_options(options)


@app.command(epilog="Example: skiprun models cost mobilenet_v1 --against resnet50")
def cost(
    name: Architecture,
    against: Annotated[
        str,
        typer.Option(
            metavar="standard|NAME",
            help=(
                "The same network with standard convolutions, layer by layer, or another network, "
                "stage by stage."
            ),
        ),
    ] = "standard",
    input: Input = None,
    json: Json = False,
) -> None:
    """Show how many times less a network costs than another.

    By default the other is the same network with a standard convolution in the place of each depthwise
    separable one.
    """
    from skiprun.models.complexity import architecture

    rows, total = architecture.saving(name, against, input_shape(input))
    if json:
        emit({"against": against, "rows": rows, "total": total})
        return
    columns = [column.replace("_", " ").replace("macs", "MACs") for column in rows[0]]
    cells = [[_cell(column, row.get(column)) for column in rows[0]] for row in [*rows, total]]
    show_table(columns, cells, optional=["kernel", "channels", "output", "blocks"])


def _joined(row: BlockRow) -> str | None:
    """Return the sites of a block with their connection, as `model.connections` has them."""
    return f"{','.join(map(str, row['sites']))}: {row['connection']}" if row["sites"] else None


def _cell(column: str, value: object) -> object:
    """Return a shape as 16x32x32, multiply-adds in millions, a factor with two digits, the rest as it is."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    if column.endswith("macs") and isinstance(value, int):
        return _macs_text(value)
    return f"{value:.2f}" if isinstance(value, float) else value
