"""Reads back what a tracker has of runs, as JSON on stdout: run it apart from the network."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

Log = list[tuple[int, dict[str, float]]]


def of_mlflow(folder: Path) -> dict[str, Any]:
    from mlflow.tracking import MlflowClient

    client, found = MlflowClient(f"sqlite:///{folder}/mlflow.db"), {}
    for run in client.search_runs([client.get_experiment_by_name("skiprun").experiment_id]):
        log: dict[int, dict[str, float]] = {}
        for tag in run.data.metrics:
            for point in client.get_metric_history(run.info.run_id, tag):
                log.setdefault(point.step, {})[tag] = point.value
        summary = {
            key.removeprefix("summary/"): value
            for key, value in run.data.metrics.items()
            if key.startswith("summary/")
        }
        for values in log.values():
            for key in summary:
                values.pop(f"summary/{key}", None)
        said = {"status": run.info.status, "params": run.data.params, "tags": run.data.tags}
        found[run.info.run_name] = {"log": sorted(log.items()), "summary": summary, **said}
    return found


def of_trackio(folder: Path) -> dict[str, Any]:
    os.environ["TRACKIO_DIR"] = str(folder)
    from trackio.sqlite_storage import SQLiteStorage

    found = {}
    for record in SQLiteStorage.get_run_records("skiprun"):
        log: dict[int, dict[str, float]] = {}
        for row in SQLiteStorage.get_logs("skiprun", run_id=record["id"]):
            values = {tag: value for tag, value in row.items() if tag not in ("step", "timestamp")}
            log.setdefault(row["step"], {}).update(values)
        config = SQLiteStorage.get_run_config("skiprun", run_id=record["id"])
        summary = {
            key.removeprefix("summary."): value for key, value in config.items() if key.startswith("summary.")
        }
        found[record["name"]] = {"log": sorted(log.items()), "summary": summary, "params": config}
    return found


if __name__ == "__main__":
    reader = {"mlflow": of_mlflow, "trackio": of_trackio}[sys.argv[1]]
    print(json.dumps(reader(Path(sys.argv[2]))))
