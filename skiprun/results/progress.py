"""How far a run has come, by the log of its epochs."""

from __future__ import annotations

from dataclasses import replace

from skiprun.config import ScheduleConfig
from skiprun.results.records import RunRecord, epoch_rows
from skiprun.run import Run
from skiprun.system.documents import Row

TASKS = {"error": "classification", "iou": "segmentation"}  # by the score that chooses the checkpoint


def rows_until(run: Run, schedule: ScheduleConfig, until: float) -> list[Row] | None:
    """Return the rows of epochs up to the first that ends at a share of the run or behind it.

    None where the run has not come so far. One that stopped early has no more to show.
    """
    rows = []
    for row in epoch_rows(run):
        rows.append(row)
        if schedule.share(int(row["step"] or 0), float(row["epoch"] or 0)) >= until:
            return rows
    return rows if run.state == "finished" and run.summary().get("stopped_early") else None


def under_way(record: RunRecord) -> RunRecord:
    """Return the record of a run that goes on with the task and the score that its log shows."""
    row = next(epoch_rows(record.run), {})
    score = next((name for name in TASKS if f"val/{name}" in row), None)
    if record.finished or score is None:
        return record
    return replace(record, summary={"data.score_name": score, "data.task": TASKS[score]})
