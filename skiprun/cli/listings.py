"""`skiprun datasets`, `connections` and `probes`: list the registries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skiprun.cli.options import Json
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit

if TYPE_CHECKING:
    from skiprun.registry import Registry


def datasets(json: Json = False) -> None:
    """List the datasets that `data.name` may say."""
    from skiprun.registry import DATASETS

    show_entries(DATASETS, ["task", "classes", "shape", "size"], json)


def connections(json: Json = False) -> None:
    """List the connections that `model.connection` may say."""
    from skiprun.registry import CONNECTIONS

    show_entries(CONNECTIONS, ["formula", "paper"], json)


def probes(json: Json = False) -> None:
    """List the instruments that `probes` may name."""
    from skiprun.registry import PROBES

    show_entries(PROBES, ["paper"], json)


def show_entries(registry: Registry, facts: list[str], json: bool) -> None:
    """Print the entries of a registry with some of their facts."""
    rows = [
        {"name": entry.name, **{key: getattr(entry.info, key) for key in facts}, "summary": entry.summary}
        for entry in registry
    ]
    if json:
        emit(rows)
    else:
        shown = [key for key in ["name", *facts, "summary"] if any(row[key] for row in rows)]
        show_table(shown, [[row[key] for key in shown] for row in rows])
