"""Tables for the terminal: readable in 80 columns, ASCII, and text from runs is never read as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from skiprun.claims.comparison import Comparison
from skiprun.reports.columns import Column, columns
from skiprun.reports.layout import Fitting, plain_table
from skiprun.reports.listing import RunListing, run_details, runs_rows
from skiprun.reports.rivals import rival_table
from skiprun.results.index import RunRow
from skiprun.results.numbers import format_count, format_score, format_whole
from skiprun.run import Run

NUMBERS: tuple[str, ...] = ("steps", "epochs", "batch_size", "precision", "device", "threads")
NUMBERS += ("best.", "final.", "test.", "trivial.", "gradient.", "time.")
SCORES: tuple[Literal["val", "test"], ...] = ("val", "test")
RUN_COLUMNS = ("run", "state", "model", "dataset", "progress", *SCORES, "when")
# What `skiprun runs show` says of a run too is left out where the window is narrow.
LEFT_OUT = [("when", "dataset", "model", "progress")[:count] for count in range(5)]
STATE_STYLES = {"finished": "green", "running": "cyan", "diverged": "red", "failed": "red", "broken": "red"}


def comparison_table(comparison: Comparison) -> RenderableType:
    """Return the table of a comparison, and the remarks that belong to it."""
    remarks = [Text(remark) for remark in comparison.remarks]
    if not comparison.groups:
        return Group("No finished runs to compare.", *remarks)
    name, *others = columns(comparison.groups)

    def table(*parts: str) -> Table:
        return _columns_table(comparison, [name, *(column for column in others if column.part in parts)])

    wide = [_columns_table(comparison, [name, *others])]
    halves = [table("network"), table("training", "test")]
    thirds = [table("network"), table("training"), table("test")]
    return Group(
        Fitting(wide, halves, thirds), Text(), *rival_table(comparison.verdict.ranking.evidence), *remarks
    )


def _columns_table(comparison: Comparison, shown: Sequence[Column]) -> Table:
    """Return some columns of a comparison; headings break after their first word."""
    headings = [(column.heading.replace(" ", "\n", 1), column.is_number) for column in shown]
    return plain_table(headings, [[column.text(group) for column in shown] for group in comparison.groups])


def runs_table(runs: Sequence[Run]) -> RenderableType:
    """Return the table of some runs; what went wrong with a run stands below it, a line each."""
    return listing_table(RunListing(runs_rows(runs), len(runs)))


def listing_table(listing: RunListing) -> RenderableType:
    """Return the table of `skiprun runs`, with the columns that there is room for without breaking names."""
    rows = listing.rows
    if not rows:
        return "No runs here yet. Start one with: skiprun train CONFIG.yaml"
    layouts = [[name for name in RUN_COLUMNS if name not in absent] for absent in LEFT_OUT]
    tables = [
        plain_table([(name, name in SCORES) for name in layout], _run_cells(rows, layout))
        for layout in layouts
    ]
    notes = [Text(f"{row['name']}: {row['message']}") for row in rows if row["message"]]
    if len(rows) < listing.total:
        notes.append(Text(f"The latest {len(rows):,} of {listing.total:,} runs; --all shows every one."))
    return Group(Fitting(*([table] for table in tables)), *notes)


def _run_cells(rows: Sequence[RunRow], layout: Sequence[str]) -> list[list[str | Text]]:
    """Return the cells of some columns of runs."""
    shown: dict[str, Callable[[RunRow], str | Text]] = {
        "run": lambda row: str(row["name"]),
        "state": lambda row: Text(row["state"], STATE_STYLES.get(row["state"], "")),
        **{split: partial(_score_text, split=split) for split in SCORES},
    }
    others = {
        name: lambda row, name=name: str(row.get(name) or "-") for name in RUN_COLUMNS if name not in shown
    }
    return [[(shown | others)[name](row) for name in layout] for row in rows]


def _score_text(row: RunRow, split: Literal["val", "test"]) -> str:
    """Return a score with its name where it is no error."""
    value, name = row[split], row["score"]
    if not isinstance(value, int | float) or name is None:
        return "-"
    return f"{format_score(value, name)} {'%' if name == 'error' else name}"


def run_table(run: Run) -> RenderableType:
    """Return what `skiprun runs show` prints: state, network, scores, gradient, files, sessions, config."""
    details = run_details(run)
    summary, config = details["summary"], details["config"]
    parts: dict[str, Mapping[str, object]] = {
        "Run": {
            key: details[key] for key in ("path", "state", "message", "progress", "when") if details[key]
        },
        "Network": _section(summary, "model."),
        "Data": _section(summary, "data."),
        "Numbers": {key: summary[key] for key in summary if key.startswith(NUMBERS)},
        "Config": {key: value for key, value in config.items() if value is not None},
        **{f"Session {n}": session for n, session in enumerate(details["sessions"], start=1)},
        "Files": {
            file["name"]: format_count(file["bytes"]) + "B"
            for file in details["checkpoints"] + details["studies"] + details["images"]
        },
    }
    return Group(
        *(
            part
            for title, facts in parts.items()
            if facts
            for part in (Text(title, "bold"), _key_value_table(facts))
        )
    )


def _section(facts: Mapping[str, object], prefix: str) -> dict[str, object]:
    """Return the facts below a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in facts.items() if key.startswith(prefix)}


def _key_value_table(facts: Mapping[str, object]) -> RenderableType:
    """Return keys and values below each other."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(overflow="fold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in facts.items():
        table.add_row(escape(key), escape(_fact(value)))
    return table


def _fact(value: object) -> str:
    """Return a value as text: whole numbers in full, others with six digits, long lists cut."""
    if isinstance(value, list):
        shown = ", ".join(_fact(item) for item in value[:10])
        return shown if len(value) <= 10 else f"{shown}, ... ({len(value):,} in all)"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return format_whole(value) if isinstance(value, int) else f"{value:.6g}"
