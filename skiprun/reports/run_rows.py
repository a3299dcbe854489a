"""What a run directory says, as plain data: in a row, or everything."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from skiprun.errors import counted
from skiprun.results.index import Entry
from skiprun.results.records import BROKEN, RunRecord, epoch_rows, read
from skiprun.results.run_row import Numbers, RunRow
from skiprun.run import Run
from skiprun.system.documents import Row


class StoredFile(TypedDict):
    """A file of a run directory."""

    name: str
    bytes: int


class RunDetails(RunRow):
    """Everything that a run directory says; the keys of summary, config and sessions are dotted."""

    summary: Mapping[str, object]
    config: Mapping[str, object]
    sessions: list[Mapping[str, object]]
    checkpoints: list[StoredFile]
    studies: list[StoredFile]
    images: list[StoredFile]


def runs_rows(runs: Sequence[Run]) -> list[RunRow]:
    """Return one row for each run; a damaged one has its state and message, and no numbers."""
    return [listing_row(read(run)) for run in runs]


def listing_row(record: RunRecord) -> RunRow:
    """Return what a listing says of a run."""
    numbers = _finished_numbers(record) if record.finished else _numbers_so_far(record)
    return {
        "name": record.run.name,
        "path": str(record.path),
        "state": record.state,
        "message": record.message,
        "model": record.config.get("model.name", record.summary.get("model.name")),
        "dataset": record.config.get("data.name", record.summary.get("data.name")),
        **numbers,
        "when": last_change(record.run),
        "tags": list(record.tags),
    }


def whole_entry(record: RunRecord) -> Entry:
    """Return everything that a run says of itself, by dotted key; what its config leaves open is left out."""
    said = {key: value for key, value in record.config.items() if value is not None}
    return {**said, **record.summary, **listing_row(record)}


def _finished_numbers(record: RunRecord) -> Numbers:
    name, early = record.text("data.score_name"), ", stopped early" if record.stopped_early else ""
    return {
        "progress": counted(round(record.number("epochs"), 1), "epoch") + early,
        "score": name,
        "val": record.summary.get(f"best.val.{name}"),
        "test": record.summary.get(f"test.{name}"),
    }


def _numbers_so_far(record: RunRecord) -> Numbers:
    """Return how far a run has got, and its best validation score so far."""
    rows = [] if record.state == BROKEN else list(epoch_rows(record.run))
    names = [
        key.removeprefix("val/")
        for row in rows[:1]
        for key in row
        if key.startswith("val/") and key != "val/loss"
    ]
    name = names[0] if names else None
    scores = [score for row in rows if (score := row.get(f"val/{name}")) is not None]
    best = (min if name == "error" else max)(scores, default=None)
    return {"progress": _progress(record, rows), "score": name, "val": best, "test": None}


def _progress(record: RunRecord, rows: Sequence[Row]) -> str:
    """Say how far a run has got in the unit of its schedule."""
    latest = rows[-1] if rows else {}
    for unit, key in (("epochs", "epoch"), ("steps", "step")):
        if isinstance(length := record.config.get(f"schedule.{unit}"), int | float) and length:
            return f"{latest.get(key, 0):.10g}/{length:g} {unit}"
    return "-"


def last_change(run: Run) -> str | None:
    """Return when a run last wrote something, to the minute."""
    files = (run.summary_file, run.status_file, run.metrics_file, run.config_file)
    times = [file.stat().st_mtime for file in files if file.exists()]
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(max(times))) if times else None


def run_details(run: Run) -> RunDetails:
    """Return everything that a run's directory says, as plain data."""
    record = read(run)
    return {
        **listing_row(record),
        "summary": record.summary,
        "config": record.config,
        "sessions": list(record.sessions),
        "checkpoints": _files(run.checkpoints),
        "studies": _files(run.studies),
        "images": _files(run.path, run.images_file.name),
    }


def _files(folder: Path, pattern: str = "*") -> list[StoredFile]:
    """Return name and size of the files of a folder."""
    found = sorted(file for file in folder.glob(pattern) if file.is_file() and not file.name.startswith("."))
    return [{"name": file.name, "bytes": file.stat().st_size} for file in found]
