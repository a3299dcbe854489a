"""Runs as a file for other programs: CSV, JSON or Markdown, with a column for every key."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence

from skiprun.errors import printable
from skiprun.reports.rendering import markdown_text
from skiprun.results.index import Entry
from skiprun.system.files import json_safe


def export_text(rows: Sequence[Entry], form: str) -> str:
    """Return rows, all with the same keys, in a form of `FORMS`."""
    return FORMS[form](rows)


def _csv(rows: Sequence[Entry]) -> str:
    """Return a line a run; what is missing is empty, and of several values a space is between them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _json(rows: Sequence[Entry]) -> str:
    return json.dumps(json_safe(list(rows)), indent=2, allow_nan=False) + "\n"


def _markdown(rows: Sequence[Entry]) -> str:
    keys = list(rows[0]) if rows else []
    lines = [keys, *([_cell(row[key]) for key in keys] for row in rows)]
    heading, *cells = (f"| {' | '.join(map(markdown_text, line))} |\n" for line in lines)
    return "".join([heading, f"|{' --- |' * len(keys)}\n", *cells])


def _cell(value: object) -> str:
    """Return a value as YAML has it, a list as its words."""
    if isinstance(value, list | tuple):
        return " ".join(map(_cell, value))
    if value is None or isinstance(value, bool | dict):
        return "" if value is None else json.dumps(value)
    return printable(str(value))


FORMS: dict[str, Callable[[Sequence[Entry]], str]] = {"csv": _csv, "json": _json, "md": _markdown}
