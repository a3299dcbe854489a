"""What a notebook shows of results: a table, sentences, and figures in the page itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from skiprun.claims.comparison import Comparison
from skiprun.reports.columns import columns
from skiprun.reports.drawing import Drawing
from skiprun.reports.figures import draw
from skiprun.reports.listing import RunListing
from skiprun.reports.plots import describe
from skiprun.reports.run_curves import draw_run
from skiprun.reports.run_rows import runs_rows
from skiprun.reports.study_figures import draw_study
from skiprun.results.numbers import format_score, score_unit, significant
from skiprun.results.study_documents import Document
from skiprun.run import Run
from skiprun.system.shown import as_html

# The figures of a comparison that answer: what was learned, why, and what came of it. The page has the rest.
ANSWERS = ("training_loss", "gradient_flow_start", "test_")
ROWS = 50  # of a listing
FACTS = ("state", "message", "model", "dataset", "progress", "when", "path")


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table; numbers stand as they are given."""
    above = "".join(f"<th>{escape(each)}</th>" for each in headings)
    lines = ("".join(f"<td>{escape(_cell_text(cell))}</td>" for cell in row) for row in rows)
    return f"<table><tr>{above}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell_text(value: object) -> str:
    if value is None:
        return "-"
    return significant(value) if isinstance(value, float) else str(value)


def paragraphs(sentences: Iterable[str]) -> str:
    """Return a paragraph for each sentence."""
    return "".join(f"<p>{escape(each)}</p>" for each in sentences)


def pictures(drawings: Iterable[Drawing]) -> str:
    """Return figures beside each other where there is room, each with its caption."""
    width = "flex:1 1 20em;max-width:36em;margin:0"
    shown = (
        f'<figure style="{width}">{each.svg()}<figcaption>{escape(each.caption)}</figcaption></figure>'
        for each in drawings
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em">{"".join(shown)}</div>'


@as_html.register
def comparison_html(comparison: Comparison) -> str:
    """Return table, verdict, remarks and figures of a comparison."""
    groups, said = comparison.groups, [*comparison.verdict.sentences, *comparison.remarks]
    if not groups:
        return paragraphs(["No finished runs to compare.", *said])
    shown = columns(groups)
    rows = [[column.text(group) for column in shown] for group in groups]
    plots = [plot for plot in describe(groups) if plot.name.startswith(ANSWERS)]
    page = f"<p>All figures: <code>{escape(str(comparison.report))}</code></p>" if comparison.report else ""
    return table([column.heading for column in shown], rows) + paragraphs(said) + pictures(draw(plots)) + page


@as_html.register
def run_html(run: Run) -> str:
    """Return name, state, result and curves of a run."""
    (row,) = runs_rows([run])
    name = row["score"]
    scores = [
        (f"{split} {name}", f"{format_score(value, name)}{score_unit(name)}")
        for split, value in (("best val", row["val"]), ("test", row["test"]))
        if name is not None and isinstance(value, int | float)
    ]
    facts = [(key, row.get(key)) for key in FACTS if row.get(key)]
    return table([run.name, ""], [*facts[:-2], *scores, *facts[-2:]]) + pictures(draw_run(run))


@as_html.register
def listing_html(listing: RunListing) -> str:
    """Return the first runs of a listing."""
    keys = ["name", "state", "model", "dataset", "progress", "val", "test", "when", *listing.further]
    left = listing.total - ROWS
    more = [f"and {left:,} more; .runs and .columns() have all."] if left > 0 else []
    return table(keys, [[row.get(key) for key in keys] for row in listing.rows[:ROWS]]) + paragraphs(more)


def study_html(documents: Sequence[Document]) -> str:
    """Return verdicts, facts and figures of a study."""
    verdicts = [f"{document['label']}: {document['verdict']}" for document in documents]
    names = list(dict.fromkeys(name for document in documents for name in document["facts"]))
    rows = [[document["label"], *map(document["facts"].get, names)] for document in documents]
    facts = table(["network", *(name.replace("_", " ") for name in names)], rows) if names else ""
    return paragraphs(verdicts) + facts + pictures(draw_study(documents))
