"""What the page of a comparison shows, as plain data for its templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from skiprun.claims.comparison import Comparison
from skiprun.reports.columns import NOTE, columns, seed_rows
from skiprun.reports.diagram import Diagram, svg_text
from skiprun.reports.drawing import Drawing
from skiprun.reports.glossary import WORDS
from skiprun.reports.plot_kinds import Network, Plot
from skiprun.reports.rivals import rival_note, rival_rows
from skiprun.results.protocol import machines

Diagrams = Callable[[Sequence[Network]], Mapping[str, Diagram]]


def no_diagrams(_: Sequence[Network]) -> Mapping[str, Diagram]:
    """Return no diagram of any network."""
    return {}


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


def figure_facts(figure: Plot | Drawing, picture: str) -> dict[str, str]:
    """Return what the page shows of a figure: the picture is an SVG element, or nothing."""
    return {"name": figure.name, "caption": figure.caption, "picture": picture}


def drawn_networks(diagrams: Mapping[str, Diagram], labels: Sequence[str]) -> dict[str, object]:
    """Return the diagrams of networks, of which the first brings the style of all, and who has none."""
    drawn = [(label, svg_text(each, style=not n)) for n, (label, each) in enumerate(diagrams.items())]
    return {"diagrams": drawn, "not_drawn": [label for label in labels if label not in diagrams]}
