"""Tables of registry listings, wrapped between words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from skiprun.cli.terminal import results, say
from skiprun.errors import printable

GAP = 1  # between two columns
WIDE = 160  # from so many signs on, a table has room for one more sentence
# Up to so many signs, a column stays on one line: sizes and single names, or numbers with their unit.
SHORT, SHORTEST = 16, 10


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "", optional: Sequence[str] = ()
) -> None:
    """Print a table in the room that there is.

    Text goes on below, between its words, and short columns stay on one line. Where there is no room for
    that, optional columns are left out, the first ones first; then short columns go on below too; and in the
    end the columns of a row are shown below each other. Columns of numbers stand to the right.
    """
    if title:  # a table's own is folded to the width of its columns
        results.print(Text(title, style="italic"))
    left_out: list[str] = []
    while (widths := fitting_widths(columns, rows, results.width, SHORT)) is None and len(left_out) < len(
        optional
    ):
        left_out.append(optional[len(left_out)])
        kept = [index for index, column in enumerate(columns) if column != left_out[-1]]
        columns, rows = [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]
    widths = widths or fitting_widths(columns, rows, results.width, SHORTEST)
    results.print(_side_by_side(columns, rows, widths) if widths else _stacked(columns, rows))
    if left_out:
        say(
            f"Left out in this width: {', '.join(' '.join(column.split()) for column in left_out)}; "
            "all with --json."
        )


def fitting_widths(
    columns: Sequence[str], rows: Sequence[Sequence[object]], room: int, whole: int
) -> list[int] | None:
    """Return the widths in which columns stand beside each other with all words whole, or None.

    Columns whose texts have no more than `whole` signs stay on one line.
    """
    texts = [[column, *(cell_text(row[index]) for row in rows)] for index, column in enumerate(columns)]
    wanted = [max(cell_len(line) for text in column for line in text.split("\n")) for column in texts]
    words = [max(cell_len(word) for text in column for word in text.split() or [""]) for column in texts]
    widths = [most if most <= whole else least for most, least in zip(wanted, words, strict=True)]
    room -= GAP * (len(columns) - 1)
    if sum(widths) > room:
        return None
    for _ in range(min(room, sum(wanted)) - sum(widths)):  # one sign more for the column that needs it most
        widths[max(range(len(widths)), key=lambda index: wanted[index] / max(1, widths[index]))] += 1
    return widths


def _side_by_side(columns: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[int]) -> Table:
    """Return a table whose columns have these widths."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        numbers = all(isinstance(row[index], int | float | None) for row in rows)
        table.add_column(Text(column), justify="right" if numbers else "left", width=width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(cell)) for cell in row))
    return table


def _stacked(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return each row as lines below each other: the column, and what the row has there."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            table.add_row(Text(" ".join(column.split())), Text(cell_text(cell)))
        table.add_row()
    return table


def cell_text(cell: object) -> str:
    """Return a cell of a table without control characters; whole numbers get thousands."""
    if cell is None:
        return "-"
    return f"{cell:,}" if isinstance(cell, int) else printable(str(cell))
