"""How far a run has come, by the log of its epochs."""

from __future__ import annotations

from skiprun.config import ScheduleConfig
from skiprun.results.records import epoch_rows
from skiprun.run import Run
from skiprun.system.documents import Row


def rows_until(run: Run, schedule: ScheduleConfig, until: float) -> list[Row] | None:
    """Return the rows of epochs up to the first that ends at a share of the run or behind it.

    None where the run has not come so far.
    """
    rows = []
    for row in epoch_rows(run):
        rows.append(row)
        if schedule.share(int(row["step"] or 0), float(row["epoch"] or 0)) >= until:
            return rows
    return None
