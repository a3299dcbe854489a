"""Runs in trackio: a local folder, by default trackio's own, which `trackio show` reads."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skiprun.reports.trackers.tracked_run import LoggedRow, TrackedRun
from skiprun.reports.trackers.tracker import imported

KEY, DIGEST = "skiprun.key", "skiprun.digest"


class Trackio:
    """A project of trackio."""

    def __init__(self, project: str, folder: Path | None) -> None:
        if folder:
            os.environ["TRACKIO_DIR"] = str(folder.absolute())  # read when it is imported
        # Its own importers of CSV and TensorBoard write through this class: no server, no thread.
        self.store: Any = imported("trackio.sqlite_storage", "trackio").SQLiteStorage
        self.project = project
        self.place = str(imported("trackio.utils", "trackio").TRACKIO_DIR)
        within = f"TRACKIO_DIR={self.place} " if folder else ""
        self.look = f"{within}trackio show --project {project}"

    def digest_of(self, key: str) -> str | None:
        """Return the digest that a run was written with, None if it is not there."""
        config = self.store.get_run_config(self.project, run_id=key)
        return None if config is None else str(config.get(DIGEST, ""))

    def delete(self, key: str) -> None:
        """Delete a run."""
        self.store.delete_run(self.project, None, run_id=key)

    def write(self, run: TrackedRun) -> None:
        """Write a run whole, its summary, facts and tags beside its parameters."""
        config = {
            **run.params,
            **{f"summary.{key}": value for key, value in run.summary.items()},
            **{f"skiprun.{key}": value for key, value in run.facts.items()},
            "skiprun.state": run.state,
            "skiprun.tags": list(run.tags),
            "_Group": run.group,
            KEY: run.key,
            DIGEST: run.digest,
        }
        points = run.points or [LoggedRow(0, run.ended, {})]  # it has no run without a row
        self.store.bulk_log(
            self.project,
            run.name,
            [point.metrics for point in points],
            [point.step for point in points],
            [datetime.fromtimestamp(point.time, UTC).isoformat() for point in points],
            config,
            run_id=run.key,
        )
