"""Write a comparison to files: one self-contained HTML page, Markdown, JSON and figures."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import TypedDict

from skiprun.claims.comparison import Comparison
from skiprun.reports.charts import charts_json
from skiprun.reports.export import csv_text, latex_table
from skiprun.reports.masks import mask_pictures
from skiprun.reports.page import Diagrams, drawn_networks, figure_facts, no_diagrams, page_facts
from skiprun.reports.plot_kinds import networks_of
from skiprun.reports.plots import describe
from skiprun.reports.rendering import render, written_now
from skiprun.system.documents import read_document, write_sealed
from skiprun.system.files import make_folder, write_text


def slug(names: Sequence[str], digest: str = "") -> str:
    """Return a comparison's folder name, such as 'plain20-plain56-resnet56'; a long one is cut and numbered.

    Args:
        names: as they were given.
        digest: of what they leave open, if they do.
    """
    text = "-".join(filter(None, map(_path_word, names))) or "comparison"
    text = text if len(text) <= 80 else f"{text[:60].rstrip('-.')}-{zlib.crc32(text.encode()):08x}"
    return f"{text}-{digest}" if digest else text


def _path_word(name: str) -> str:
    """Return the last part of a name or path, with the experiment's name before a seed."""
    parts = Path(name.removesuffix(".yaml").removesuffix(".yml")).parts
    last = parts[-2:] if parts and parts[-1].startswith("seed-") else parts[-1:]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(last)).strip("-.")


def write_comparison(comparison: Comparison, folder: Path, diagrams: Diagrams = no_diagrams) -> Path:
    """Write report.html, report.md, .json, .csv, .tex and the figures into a folder; return the page.

    Args:
        comparison: what is written.
        folder: two below that of all runs.
        diagrams: gives those of the networks, by label, for the page.

    Raises:
        StorageError: the folder cannot be written.
    """
    from skiprun.reports.figures import draw

    make_folder(folder, below=folder.parent.parent)
    plots = describe(comparison.groups)
    figures = draw(plots)
    for figure in figures:
        figure.write(folder)
    written = written_now()
    write_sealed(folder / "comparison.json", {**written, **comparison.to_dict()})
    facts = page_facts(comparison) | written | {"charts": charts_json(plots)}
    facts["figures"] = [figure_facts(each, each.svg()) for each in figures]
    facts["masks"] = mask_pictures(comparison.groups)
    facts |= drawn_networks(diagrams(networks_of(plots)), [group.label for group in comparison.groups])
    write_text(folder / "comparison.csv", csv_text(comparison.groups))
    write_text(folder / "comparison.tex", latex_table(comparison.groups))
    write_text(folder / "report.md", render("report.md", facts))
    write_text(folder / "report.html", render("report.html", facts))
    return folder / "report.html"


class ComparisonDocument(TypedDict):
    """What comparison.json holds."""

    groups: list[dict[str, object]]
    verdict: dict[str, object]


def read_comparison(folder: Path) -> ComparisonDocument:
    """Return what comparison.json says.

    Raises:
        StorageError: it cannot be read, or is damaged.
    """
    return read_document(
        folder / "comparison.json", ComparisonDocument, "the same `skiprun compare` writes it anew"
    )
