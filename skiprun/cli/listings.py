"""`skiprun datasets`, `connections` and `probes`: list the registries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiprun.cli.options import Json
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, results

if TYPE_CHECKING:
    from skiprun.models.option_rows import OptionRow
    from skiprun.registry import Entry, Registry


def datasets(json: Json = False) -> None:
    """List the datasets that `data.name` may say."""
    from skiprun.registry import DATASETS

    show_entries(DATASETS, ["task", "classes", "shape", "size"], json)


def connections(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One connection, with its options.")] = "",
    json: Json = False,
) -> None:
    """List what `model.connection` may say.

    With NAME, show one connection with its options.
    """
    from skiprun.models.option_rows import connection_options
    from skiprun.registry import CONNECTIONS

    facts = ["formula", "paper"]
    if not json and not name:
        return show_entries(CONNECTIONS, facts, json)
    named = [CONNECTIONS[name]] if name else CONNECTIONS
    rows = [{**entry_row(entry, facts), "options": connection_options(entry.target)} for entry in named]
    if json:
        emit(rows[0] if name else rows)
    else:
        show_connection(rows[0])


def probes(json: Json = False) -> None:
    """List the instruments that `probes` may name."""
    from skiprun.registry import PROBES

    show_entries(PROBES, ["paper"], json)


def entry_row(entry: Entry, facts: list[str]) -> dict[str, Any]:
    """Return some of what is said of an entry."""
    said = {key: getattr(entry.info, key) for key in facts}
    return {"name": entry.name, **said, "summary": entry.summary}


def show_connection(row: dict[str, Any]) -> None:
    """Print what is said of one connection, line by line, and its options."""
    said = [(key, row[key]) for key in row if key not in ("name", "options")]
    show_table(["connection", row["name"]], said)
    show_options(row["options"])


def show_options(options: Sequence[OptionRow]) -> None:
    """Print the options of a network or a connection."""
    from skiprun.config.type_words import yaml_text

    results.print()
    if not options:
        results.print("It has no options.")
        return
    rows = [
        [
            row["key"],
            row["type"],
            "its own" if row["default"] is None else yaml_text(row["default"]),
            row["meaning"],
        ]
        for row in options
    ]
    show_table(["option", "type", "default", "meaning"], rows, "Options, below `model` in a config:")


def show_entries(registry: Registry, facts: list[str], json: bool) -> None:
    """Print the entries of a registry with some of their facts."""
    rows = [entry_row(entry, facts) for entry in registry]
    if json:
        emit(rows)
    else:
        shown = [key for key in ["name", *facts, "summary"] if any(row[key] for row in rows)]
        show_table(shown, [[row[key] for key in shown] for row in rows])
