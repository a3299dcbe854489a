"""A scored split as files: one self-contained page, its figures, and a table of all images."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.reports.evaluation_figures import evaluation_figures
from skiprun.reports.evaluation_tables import (
    confusion_rows,
    further_texts,
    label_rows,
    mask_rows,
    score_texts,
)
from skiprun.reports.page import figure_facts
from skiprun.reports.rendering import render, written_now
from skiprun.results.split_results import LabelResults, MaskResults
from skiprun.system.files import make_folder, write_bytes, write_text

if TYPE_CHECKING:
    import numpy as np

MOST_ROWS = 50  # of a table


@dataclass(frozen=True)
class ShownImage:
    """An image of the page: a PNG, and the words below it."""

    png: bytes
    caption: str

    @property
    def uri(self) -> str:
        """The file as an address that holds it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class EvaluationPage:
    """What a page shows of a scored split.

    Attributes:
        title: what was scored.
        scores: of the split, by name.
        names: of the classes, in their order.
        results: by class, confusion, confidence and image.
        images: the worst, the worst first.
    """

    title: str
    scores: Mapping[str, float]
    names: Sequence[str]
    results: LabelResults | MaskResults
    images: Sequence[ShownImage]

    def write(self, folder: Path, table: Mapping[str, np.ndarray]) -> Path:
        """Write report.html, the figures as PNG, and images.csv into a folder; return the page.

        Args:
            folder: is made.
            table: columns of images.csv, one row an image in the stored order of the split.

        Raises:
            StorageError: the folder cannot be written.
        """
        make_folder(folder)
        figures = evaluation_figures(self.results, self.names)
        for figure in figures:
            write_bytes(folder / f"{figure.name}.png", figure.png())
        write_text(folder / "images.csv", _images_csv(table))
        facts = self.facts | {"figures": [figure_facts(each, each.svg()) for each in figures]}
        write_text(folder / "report.html", render("evaluation.html", facts | written_now()))
        return folder / "report.html"

    @property
    def facts(self) -> dict[str, object]:
        """What the template shows, as texts."""
        labels = isinstance(self.results, LabelResults)
        headings, rows = (
            label_rows(self.results) if isinstance(self.results, LabelResults) else mask_rows(self.results)
        )
        return {
            "title": self.title,
            "answers": [*score_texts(self.scores), *further_texts(self.results)],
            "class_headings": headings,
            "class_rows": rows,
            "confusion_headings": [
                "true",
                "predicted",
                "images" if labels else "pixels",
                "share of the class",
            ],
            "confusion_rows": confusion_rows(self.results.confusions[:MOST_ROWS]),
            "more_confusions": max(0, len(self.results.confusions) - MOST_ROWS),
            "most": MOST_ROWS,
            "labels": labels,
            "images": self.images,
        }


def _images_csv(table: Mapping[str, np.ndarray]) -> str:
    """Return a line an image, its number first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", *table])
    writer.writerows(
        [n, *row] for n, row in enumerate(zip(*(column.tolist() for column in table.values()), strict=True))
    )
    return text.getvalue()
