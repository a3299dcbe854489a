"""One result beside its runs: a table, a figure and sentences, as JSON, Markdown and images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import skiprun
from skiprun.reports.drawing import Drawing
from skiprun.reports.rendering import markdown_text
from skiprun.system.documents import write_sealed
from skiprun.system.files import make_folder, write_text


def write_result(
    folder: Path,
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    drawing: Drawing,
    said: Sequence[str],
    document: Mapping[str, object],
) -> None:
    """Write a result into its folder; its files are called as its figure.

    Args:
        folder: of the result, two below that of all runs.
        title: of the page.
        headings: of the table.
        rows: of the table.
        drawing: the figure.
        said: sentences below it.
        document: all of it as plain data.

    Raises:
        StorageError: the folder cannot be written.
    """
    make_folder(folder, below=folder.parent.parent)
    drawing.write(folder)
    written = {"written": time.strftime("%Y-%m-%d %H:%M"), "skiprun": skiprun.__version__}
    write_sealed(folder / f"{drawing.name}.json", {**written, **document})
    table = [headings, ["---"] * len(headings), *([markdown_text(cell) for cell in row] for row in rows)]
    write_text(
        folder / f"{drawing.name}.md",
        f"# {markdown_text(title)}\n\n"
        + "\n".join(f"| {' | '.join(row)} |" for row in table)
        + f"\n\n![{markdown_text(drawing.caption)}]({drawing.name}.png)\n\n"
        + "\n".join(f"- {markdown_text(line)}" for line in said)
        + "\n",
    )
