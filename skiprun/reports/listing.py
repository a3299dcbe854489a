"""Runs as data: what `skiprun runs` and `skiprun runs show` print."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiprun.errors import counted
from skiprun.results.index import Index
from skiprun.results.records import BROKEN, RunRecord, epoch_rows, read
from skiprun.run import Run


def runs_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one row for each run; a damaged one has its state and message, and no numbers."""
    return [_row(read(run)) for run in runs]


@dataclass(frozen=True)
class Listing:
    """Rows of runs, and how many runs there are."""

    rows: list[dict[str, Any]]
    total: int


def list_runs(root: Path, most: int | None = None) -> Listing:
    """Return the rows of the runs of a folder, by name; what was read before and has not changed is not read again.

    Args:
        root: the folder.
        most: only so many, those that last wrote something; None: all.
    """
    index = Index.open(root)
    runs = sorted(index.runs(), reverse=True)
    rows = [index.row(name, lambda run: _row(read(run))) for name in sorted(name for _, name in runs[:most])]
    index.save()
    return Listing(rows, len(runs))


def _row(reading: RunRecord) -> dict[str, Any]:
    row = {
        "name": reading.run.name,
        "path": str(reading.path),
        "state": reading.state,
        "message": reading.message,
        "model": reading.config.get("model.name", reading.summary.get("model.name")),
        "dataset": reading.config.get("data.name", reading.summary.get("data.name")),
    }
    row |= _finished_numbers(reading) if reading.finished else _numbers_so_far(reading)
    return row | {"when": last_change(reading.run)}


def _finished_numbers(reading: RunRecord) -> dict[str, Any]:
    name = reading.text("data.score_name")
    return {
        "progress": counted(round(reading.number("epochs"), 1), "epoch"),
        "score": name,
        "val": reading.summary.get(f"best.val.{name}"),
        "test": reading.summary.get(f"test.{name}"),
    }


def _numbers_so_far(reading: RunRecord) -> dict[str, Any]:
    """Return how far a run has got, and its best validation score so far."""
    rows = [] if reading.state == BROKEN else list(epoch_rows(reading.run))
    names = [
        key.removeprefix("val/") for row in rows[:1] for key in row if key.startswith("val/") and key != "val/loss"
    ]
    name = names[0] if names else None
    scores = [row[f"val/{name}"] for row in rows if isinstance(row.get(f"val/{name}"), int | float)]
    best = (min if name == "error" else max)(scores, default=None)
    return {"progress": _progress(reading, rows), "score": name, "val": best, "test": None}


def _progress(reading: RunRecord, rows: Sequence[dict[str, Any]]) -> str:
    """Say how far a run has got in the unit of its schedule."""
    latest = rows[-1] if rows else {}
    for unit, key in (("epochs", "epoch"), ("steps", "step")):
        if length := reading.config.get(f"schedule.{unit}"):
            return f"{latest.get(key, 0):.10g}/{float(length):g} {unit}"
    return "-"


def last_change(run: Run) -> str | None:
    """Return when a run last wrote something, to the minute."""
    files = (run.summary_file, run.status_file, run.metrics_file, run.config_file)
    times = [file.stat().st_mtime for file in files if file.exists()]
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(max(times))) if times else None


def run_details(run: Run) -> dict[str, Any]:
    """Return everything that a run's directory says, as plain data."""
    reading = read(run)
    return {
        **_row(reading),
        "summary": reading.summary,
        "config": reading.config,
        "sessions": list(reading.sessions),
        "checkpoints": _files(run.checkpoints),
        "studies": _files(run.studies),
    }


def _files(folder: Path) -> list[dict[str, Any]]:
    """Return name and size of the files of a folder."""
    found = sorted(file for file in folder.glob("*") if file.is_file() and not file.name.startswith("."))
    return [{"name": file.name, "bytes": file.stat().st_size} for file in found]
