"""Parts of Markdown pages: tables, templates, and docstrings as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from docs.generate.measured import SOURCES


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: bool = True) -> str:
    """Return a table; all columns but the first are set to the right where they hold numbers."""
    rule = "|---" + ("|--:" if numbers else "|---") * (len(header) - 1) + "|"
    return "\n".join([row(header), rule, *map(row, rows)])


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def text(docstring: str) -> str:
    """Return a docstring as Markdown that shows it as it is; what is indented stays a table."""
    return re.sub(r"[*<]|(?<!\w)_|_(?!\w)", lambda sign: "\\" + sign[0], docstring.strip())


def fill(template: str, facts: Mapping[str, object]) -> str:
    """Return a page of `templates/`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(SOURCES / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(f"{template}.jinja").render(facts).rstrip() + "\n"
