"""`skiprun models`: list architectures, show one block by block, and compare the cost of two."""

from __future__ import annotations

from typing import Annotated

import typer

from skiprun.cli.groups import ListByDefault
from skiprun.cli.listings import show_options
from skiprun.cli.model_rows import batch_bytes, block_cell, model_row, rows_by_first, sites_text
from skiprun.cli.options import Json
from skiprun.cli.tables import WIDE, show_table
from skiprun.cli.terminal import emit, loading, people, results, say
from skiprun.errors import InputError, counted

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
        emit([{**row, "batch": batch, "batch_bytes": batch_bytes(row, batch)} for row in rows])
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
        [[*model_row(row, batch), *(row.get(key) for key in wide)] for row in rows],
        title,
        OPTIONAL,
    )
    results.print()
    show_table(
        ["family", "paper"], rows_by_first([(row["family"], row["paper"] or "-") for row in rows], "; ")
    )
    results.print()
    fits = [(", ".join(row["connections"]) or "no sites", row["family"]) for row in rows]
    show_table(["connections that fit", "family"], rows_by_first(fits, ", "))
    for row in rows:
        if row["problem"]:
            say(f"{row['name']}: {row['problem']}")


@app.command("show", epilog="Example: skiprun models show resnet56:connection=highway")
def show_model(name: Architecture, input: Input = None, json: Json = False) -> None:
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
        titles,
        [[*(block_cell(column, row.get(column)) for column in columns), sites_text(row)] for row in rows],
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
    cells = [[block_cell(column, row.get(column)) for column in rows[0]] for row in [*rows, total]]
    show_table(columns, cells, optional=["kernel", "channels", "output", "blocks"])
