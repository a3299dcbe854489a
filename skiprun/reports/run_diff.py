"""What differs between two runs: in their configs, their results, and what they ran on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.reports.layout import Fitting, PlainTable
from skiprun.reports.run_rows import listing_row
from skiprun.results.numbers import significant
from skiprun.results.records import RunRecord, read
from skiprun.results.selection import is_number
from skiprun.run import Run

PARTS = ("config", "data", "network", "results", "machine")
# Of a session, what is another with every run, or said elsewhere.
UNTOLD = ("time", "command", "lengthened", "data.")
ON = ("time.", "gpu.", "device", "precision", "threads")  # of a summary, what tells of the machine


class KeyDifference(TypedDict):
    """One key in which two runs differ; the change is the second number minus the first."""

    part: str
    key: str
    old: object
    new: object
    change: float | None


def run_differences(old: Run, new: Run) -> list[KeyDifference]:
    """Return every key of config, data, network, results and machine in which two runs differ."""
    before, after = _parts(read(old)), _parts(read(new))
    return [
        _difference(part, key, before[part].get(key), after[part].get(key))
        for part in before
        for key in dict.fromkeys([*before[part], *after[part]])
        if before[part].get(key) != after[part].get(key)
    ]


def _parts(record: RunRecord) -> dict[str, Mapping[str, object]]:
    """Return what a run says, by part and key; where it lies is no difference."""
    row, said = listing_row(record), dict[str, dict[str, object]]((part, {}) for part in PARTS)
    said["config"] = {key: value for key, value in record.config.items() if key != "name"}
    said["results"] = {"state": row["state"], "progress": row["progress"]}
    if not record.finished:
        said["results"][f"val.{row['score']}"] = row["val"]
    if record.sessions:
        latest = record.sessions[-1]
        said["machine"] = {key: value for key, value in latest.items() if not key.startswith(UNTOLD)}
    for key, value in record.summary.items():
        if key not in record.config:
            said[_part_of(key)][key] = value
    return {**said}


def _part_of(key: str) -> str:
    """Return which part a number of a summary belongs to."""
    starts = {"data.": "data", "model.": "network", **dict.fromkeys(ON, "machine")}
    return next((part for start, part in starts.items() if key.startswith(start)), "results")


def _difference(part: str, key: str, old: object, new: object) -> KeyDifference:
    both = is_number(old) and is_number(new)
    change = float(new) - float(old) if both else None  # type: ignore[arg-type]
    return {"part": part, "key": key, "old": old, "new": new, "change": change}


def diff_table(old: Run, new: Run) -> RenderableType:
    """Return what `skiprun runs diff` prints: a row for each difference, and a line for what is the same."""
    found = run_differences(old, new)
    if not found:
        return Text(f"{old.name} and {new.name} are the same in {', '.join(PARTS)}.")
    headings = [("", False), ("key", False), (old.name, False), (new.name, False), ("change", True)]
    rows = [
        [each["part"], each["key"], _text(each["old"]), _text(each["new"]), _change(each)] for each in found
    ]
    same = [part for part in PARTS if part not in {each["part"] for each in found}]
    notes = [Text(f"The same: {', '.join(same)}.")] if same else []
    return Group(Fitting([PlainTable(headings, rows)]), *notes)


def _change(difference: KeyDifference) -> str:
    """Return by how much a number changed, and by which factor where both are above 0."""
    change, old, new = difference["change"], difference["old"], difference["new"]
    if change is None:
        return ""
    factor = f" (x {significant(new / old)})" if old > 0 and new > 0 else ""  # type: ignore[operator]
    return f"{'+' * (change > 0)}{significant(change)}{factor}"


def _text(value: object) -> str:
    """Return a value for a cell."""
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
