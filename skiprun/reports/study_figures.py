"""The figures of studies, drawn from the descriptions in their documents, several networks in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.palette import LOOKS, STYLE
from skiprun.reports.drawing import Drawing
from skiprun.reports.study_lines import draw_bars, draw_lines
from skiprun.reports.study_rows import drawable, is_way, rows_of
from skiprun.reports.study_surfaces import MAX_PANELS, draw_contours, draw_matrix, draw_relief
from skiprun.results.study_documents import Description, Document
from skiprun.system.files import make_folder

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.figure import Figure

Draw = Callable[[Description, Sequence[Document]], "Figure"]
KINDS: dict[str, dict[str, Draw]] = {
    "lines": {"": draw_lines},
    "bars": {"": draw_bars},
    "matrix": {"": draw_matrix},
    "surface": {"": draw_contours, "-3d": draw_relief},
}


def draw_study(documents: Sequence[Document]) -> list[Drawing]:
    """Draw every figure that the documents of one study have rows for."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        return [drawing for figure in documents[0]["figures"] for drawing in _draw(figure, documents)]


def _draw(figure: Description, documents: Sequence[Document]) -> list[Drawing]:
    most = LOOKS if figure["kind"] in ("lines", "bars") else MAX_PANELS
    drawn = [document for document in documents if _has_numbers(document, figure)][:most]
    if not drawn or is_way(figure, documents[0]):  # a way is drawn over its surface
        return []
    name = figure_name(documents[0]["study"], figure["title"])
    caption = f"{figure['title']}: {', '.join(document['label'] for document in drawn)}."
    return [
        Drawing(name + suffix, caption, draw(figure, drawn))
        for suffix, draw in KINDS[figure["kind"]].items()
        if not (figure["kind"] == "surface" and _is_a_line(drawn, figure))
    ]


def _has_numbers(document: Document, figure: Description) -> bool:
    """Tell whether a document has a number that a figure can draw."""
    value = figure["value"] or figure["y"]
    return any(drawable(row.get(value), figure["log"]) for row in rows_of(document, figure))


def _is_a_line(documents: Sequence[Document], figure: Description) -> bool:
    """Tell whether a surface has been measured along one direction only."""
    return any(len({row[figure["y"]] for row in rows_of(document, figure)}) < 2 for document in documents)


def figure_name(study: str, title: str) -> str:
    """Return what the file of a figure is called, without its ending."""
    return f"{study}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}"


def write_study(documents: Sequence[Document], folder: Path) -> list[Path]:
    """Write the figures of one study into a folder; return the PNG files.

    Raises:
        StorageError: the folder cannot be written.
    """
    make_folder(folder, below=folder.parent.parent)
    return [drawing.write(folder) for drawing in draw_study(documents)]
