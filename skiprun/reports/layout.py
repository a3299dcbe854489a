"""Tables without lines, in the first of several layouts that the terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


class Fitting:
    """The first of several layouts that the console has room for, or the last; tables below each other."""

    def __init__(self, *layouts: Sequence[Table]) -> None:
        self.layouts = layouts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        endless = options.update(width=1000)
        for layout in self.layouts:
            widest = max(Measurement.get(console, endless, table).maximum for table in layout)
            if widest <= options.max_width or layout is self.layouts[-1]:
                yield Group(*[part for table in layout for part in (table, Text())][:-1])
                return


def plain_table(headings: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str | Text]]) -> Table:
    """Return a table without lines; nothing in it is cut off, and headings say which columns are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), collapse_padding=True)
    for heading, is_number in headings:
        table.add_column(escape(heading), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
    return table
