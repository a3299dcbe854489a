"""Tables without lines, in the first of several layouts that the terminal has room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from skiprun.errors import printable

GAP = 2  # letters between columns
HEADING = Style(bold=True)


class PlainTable:
    """A table without lines, in which nothing is cut off: a line a row where there is room, else folded.

    What fits is written as it is: rich weighs each cell several times, 2 ms a row.
    """

    def __init__(self, headings: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str | Text]]) -> None:
        """Take headings, and whether each is that of numbers; and the cells, which are no markup."""
        self.headings, self.rows = headings, rows

    @cached_property
    def widths(self) -> list[int]:
        """The width of each column."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.headings)
        return [
            max(map(cell_len, [*heading.split("\n"), *map(_shown, cells)]))
            for (heading, _), cells in zip(self.headings, columns, strict=True)
        ]

    @property
    def width(self) -> int:
        """The width of the table."""
        return sum(self.widths) + GAP * (len(self.widths) - 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.width > options.max_width:
            yield self._folded()
            return
        tall = [heading.split("\n") for heading, _ in self.headings]
        height = max(map(len, tall))
        for number in range(-height, 0):
            yield from self._line([each[number] if -number <= len(each) else "" for each in tall], HEADING)
        for row in self.rows:
            yield from self._line(row)

    def _line(self, cells: Sequence[str | Text], style: Style | None = None) -> Iterator[Segment]:
        """Yield a row as a line; a cell brings its own style."""
        for number, (cell, width) in enumerate(zip(cells, self.widths, strict=True)):
            text = _shown(cell)
            room = " " * (width - cell_len(text))
            own = Style.parse(str(cell.style)) if isinstance(cell, Text) else style
            yield Segment(room + text if self.headings[number][1] else text + room, own)
            yield Segment("\n" if number == len(cells) - 1 else " " * GAP)

    def _folded(self) -> Table:
        """Return the table with columns as wide as the console allows."""
        table = Table(
            box=None, pad_edge=False, header_style=HEADING, padding=(0, GAP, 0, 0), collapse_padding=True
        )
        for heading, is_number in self.headings:
            table.add_column(Text(heading), justify="right" if is_number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        return table


def _shown(cell: str | Text) -> str:
    """Return a cell as the console writes it: on one line."""
    return printable(str(cell))


class Fitting:
    """The first of several layouts that the console has room for, or the last; tables below each other."""

    def __init__(self, *layouts: Sequence[PlainTable]) -> None:
        self.layouts = layouts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        fitting = (each for each in self.layouts if max(table.width for table in each) <= options.max_width)
        layout = next(fitting, self.layouts[-1])
        yield Group(*[part for table in layout for part in (table, Text())][:-1])
