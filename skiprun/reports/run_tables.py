"""Tables of runs for the terminal: in 80 columns, ASCII, and text from runs is never read as markup."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from skiprun.reports.layout import Fitting, PlainTable
from skiprun.reports.listing import RunListing
from skiprun.reports.run_rows import run_details, runs_rows
from skiprun.results.index import Entry
from skiprun.results.numbers import format_count, format_score, format_whole
from skiprun.results.selection import is_number
from skiprun.run import Run

NUMBERS: tuple[str, ...] = (
    "steps",
    "epochs",
    "stopped_early",
    "batch_size",
    "precision",
    "device",
    "threads",
)
NUMBERS += ("best.", "final.", "test.", "trivial.", "gradient.", "time.")
SCORES = ("val", "test")
RUN_COLUMNS = ("run", "state", "model", "dataset", "progress", *SCORES, "when")
# What `skiprun runs show` says of a run too is left out where the window is narrow.
LEFT_OUT = [("when", "dataset", "model", "progress")[:count] for count in range(5)]
STATE_STYLES = {"finished": "green", "running": "cyan", "diverged": "red", "failed": "red", "broken": "red"}


def runs_table(runs: Sequence[Run]) -> RenderableType:
    """Return the table of some runs; what went wrong with a run stands below it, a line each."""
    return listing_table(RunListing([{**row} for row in runs_rows(runs)], len(runs)))


def listing_table(listing: RunListing) -> RenderableType:
    """Return the table of `skiprun runs`, with the columns that there is room for without breaking names."""
    rows = listing.rows
    if not rows:
        none = "No run is as asked for; `skiprun runs` shows all."
        return none if listing.asked else "No runs here yet. Start one with: skiprun train CONFIG.yaml"
    tagged = ["tags"] * any(row["tags"] for row in rows)
    layouts = [
        [*(name for name in RUN_COLUMNS if name not in absent), *listing.further, *tagged]
        for absent in LEFT_OUT
    ]
    numbers = {
        *SCORES,
        *(key for key in listing.further if all(row[key] is None or is_number(row[key]) for row in rows)),
    }
    cells = _run_cells(rows, [*RUN_COLUMNS, *listing.further, *tagged])
    tables = [
        PlainTable(
            [(name, name in numbers) for name in layout], [[row[name] for name in layout] for row in cells]
        )
        for layout in layouts
    ]
    notes = [Text(f"{row['name']}: {row['message']}") for row in rows if row["message"]]
    if len(rows) < listing.total:
        which = "first" if listing.further else "latest"
        notes.append(Text(f"The {which} {len(rows):,} of {listing.total:,} runs; --all shows every one."))
    return Group(Fitting(*([table] for table in tables)), *notes)


def _run_cells(rows: Sequence[Entry], names: Sequence[str]) -> list[dict[str, str | Text]]:
    """Return the cells of runs, by column."""
    shown: dict[str, Callable[[Entry], str | Text]] = {
        "run": lambda row: str(row["name"]),
        "state": lambda row: Text(str(row["state"]), STATE_STYLES.get(str(row["state"]), "")),
        **{split: partial(_score_text, split=split) for split in SCORES},
    }
    return [{name: shown.get(name, partial(_fact_of, key=name))(row) for name in names} for row in rows]


def _fact_of(row: Entry, key: str) -> str:
    return "-" if row[key] is None else _fact(row[key])


def _score_text(row: Entry, split: str) -> str:
    """Return a score with its name where it is no error."""
    value, name = row[split], row["score"]
    if not isinstance(value, int | float) or name is None:
        return "-"
    return f"{format_score(value, str(name))} {'%' if name == 'error' else name}"


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
        table.add_row(Text(key), Text(_fact(value)))
    return table


def _fact(value: object) -> str:
    """Return a value as text: whole numbers in full, others with six digits, long lists cut."""
    if isinstance(value, list):
        shown = ", ".join(_fact(item) for item in value[:10])
        return shown if len(value) <= 10 else f"{shown}, ... ({len(value):,} in all)"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return format_whole(value) if isinstance(value, int) else f"{value:.6g}"
