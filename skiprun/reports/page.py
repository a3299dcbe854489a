"""Write a comparison to files: one self-contained HTML page, Markdown, JSON and figures."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import TypedDict

import skiprun
from skiprun.claims.comparison import Comparison
from skiprun.reports.charts import charts_json
from skiprun.reports.columns import NOTE, columns, seed_rows
from skiprun.reports.diagram import Diagram, svg_text
from skiprun.reports.drawing import Drawing
from skiprun.reports.export import csv_text, latex_table
from skiprun.reports.glossary import WORDS, anchor, word_of
from skiprun.reports.masks import mask_pictures
from skiprun.reports.plot_kinds import Plot
from skiprun.reports.plots import describe
from skiprun.reports.rivals import rival_note, rival_rows
from skiprun.results.numbers import significant
from skiprun.results.protocol import machines
from skiprun.system.documents import read_document, write_sealed
from skiprun.system.files import make_folder, write_text

TEMPLATES = Path(__file__).parent


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


def write_comparison(
    comparison: Comparison, folder: Path, diagrams: Mapping[str, Diagram] | None = None
) -> Path:
    """Write report.html, report.md, .json, .csv, .tex and the figures into a folder; return the page.

    Args:
        comparison: what is written.
        folder: two below that of all runs.
        diagrams: of the networks, by label, for the page.

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
    facts |= drawn_networks(diagrams or {}, [group.label for group in comparison.groups])
    write_text(folder / "comparison.csv", csv_text(comparison.groups))
    write_text(folder / "comparison.tex", latex_table(comparison.groups))
    write_text(folder / "report.md", render("report.md", facts))
    write_text(folder / "report.html", render("report.html", facts))
    return folder / "report.html"


def drawn_networks(diagrams: Mapping[str, Diagram], labels: Sequence[str]) -> dict[str, object]:
    """Return the diagrams of networks, of which the first brings the style of all, and who has none."""
    drawn = [(label, svg_text(each, style=not n)) for n, (label, each) in enumerate(diagrams.items())]
    return {"diagrams": drawn, "not_drawn": [label for label in labels if label not in diagrams]}


def written_now() -> dict[str, str]:
    """Return when a page is written, and by what."""
    return {"written": time.strftime("%Y-%m-%d %H:%M"), "skiprun": skiprun.__version__}


def figure_facts(figure: Plot | Drawing, picture: str) -> dict[str, str]:
    """Return what the page shows of a figure: the picture is an SVG element, or nothing."""
    return {"name": figure.name, "caption": figure.caption, "picture": picture}


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


def page_facts(comparison: Comparison) -> dict[str, object]:
    """Return what the templates show, as texts."""
    groups = comparison.groups
    shown = columns(groups)
    headings, rows = seed_rows(groups)
    ranking = comparison.verdict.ranking.evidence
    rival_headings, rivals = rival_rows(ranking)
    return {
        "title": title_of([group.label for group in groups]),
        "datasets": list(dict.fromkeys(group.first.text("data.name") for group in groups)),
        "runs": sum(len(group.runs) for group in groups),
        "planned": None,
        "reload": None,
        "answers": comparison.verdict.headlines,
        "sentences": comparison.verdict.sentences,
        "remarks": comparison.remarks,
        "headings": [column.heading for column in shown],
        "numeric": [column.is_number for column in shown],
        "rows": [[column.text(group) for column in shown] for group in groups],
        "rival_headings": rival_headings,
        "rival_rows": rivals,
        "rival_note": rival_note(ranking),
        "note": NOTE,
        "seed_headings": headings,
        "seed_rows": rows,
        "words": WORDS,
        "labels": [group.label for group in groups],
        "protocol": comparison.protocol,
        "machines": machines(groups),
    }


def title_of(labels: Sequence[str]) -> str:
    """Return the names that are compared, not more than fit a heading."""
    more = f" and {len(labels) - 6} more" if len(labels) > 6 else ""
    return " / ".join(labels[:6]) + more or "no finished runs"


def render(template: str, facts: dict[str, object]) -> str:
    """Fill a template; in the page everything that comes from runs is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": markdown_text, "number": _number, "value": _yaml_value}
    environment.filters |= {"word": word_of, "anchor": anchor}
    return environment.get_template(template).render(facts)


def markdown_text(text: object) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#$~])", r"\\\1", " ".join(str(text).split()))


def _number(value: float | None) -> str:
    """Return a number of a document, in which null stands for one without end."""
    return "no end" if value is None else significant(value)


def _yaml_value(value: object) -> str:
    """Return a config value as YAML would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
