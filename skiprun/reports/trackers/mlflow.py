"""Runs in MLflow: by default a database beside the user's work, which `mlflow ui` finds there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from skiprun.reports.trackers.tracked_run import TrackedRun
from skiprun.reports.trackers.tracker import imported

KEY, DIGEST = "skiprun.key", "skiprun.digest"
AT_ONCE = {"metrics": 1000, "params": 100, "tags": 100}  # what MLflow takes in one call
LONGEST = 6000  # signs of a parameter
STATUS = {"finished": "FINISHED", "running": "RUNNING", "stopped": "KILLED"}
T = TypeVar("T")


class MLflow:
    """An experiment of MLflow."""

    def __init__(self, project: str, folder: Path | None) -> None:
        for switch in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):  # it reports its use otherwise
            os.environ.setdefault(switch, "true")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        file = (folder or Path()).absolute() / "mlflow.db"
        chosen = None if folder else os.environ.get("MLFLOW_TRACKING_URI")
        self.place = chosen or f"sqlite:///{file}"
        self.look = f"mlflow ui --backend-store-uri {self.place}"
        self.entities: Any = imported("mlflow.entities", "MLflow")
        self.client: Any = imported("mlflow.tracking", "MLflow").MlflowClient(self.place)
        artifacts = None if chosen else (file.parent / "mlartifacts").as_uri()
        known = self.client.get_experiment_by_name(project)
        self.experiment = known.experiment_id if known else self.client.create_experiment(project, artifacts)

    def digest_of(self, key: str) -> str | None:
        """Return the digest that a run was written with; '' if not to its end, None if it is not there."""
        found = self._find(key)
        return found.data.tags.get(DIGEST, "") if found else None

    def delete(self, key: str) -> None:
        """Move a run to MLflow's trash, from which `mlflow gc` takes it."""
        self.client.delete_run(self._find(key).info.run_id)

    def write(self, run: TrackedRun) -> None:
        """Write a run, its digest last; numbers of its summary are metrics `summary/...` at the last step."""
        said = {
            "group": run.group,
            "state": run.state,
            **run.facts,
            **{f"tag.{tag}": "true" for tag in run.tags},
        }
        begun, ended = round(run.begun * 1000), round(run.ended * 1000)
        made = self.client.create_run(self.experiment, begun, {KEY: run.key}, run.name).info.run_id
        params = [self.entities.Param(key, str(value)[:LONGEST]) for key, value in run.params.items()]
        tags = [self.entities.RunTag(f"skiprun.{key}", value) for key, value in said.items()]
        for name, items in {"params": params, "tags": tags, "metrics": list(self._metrics(run))}.items():
            for part in batched(items, AT_ONCE[name]):
                self.client.log_batch(made, **{name: part})
        self.client.set_terminated(made, STATUS.get(run.state, "FAILED"), ended)
        self.client.set_tag(made, DIGEST, run.digest)

    def _metrics(self, run: TrackedRun) -> Iterator[Any]:
        for point in run.points:
            for tag, value in point.metrics.items():
                yield self.entities.Metric(tag, value, round(point.time * 1000), point.step)
        last = run.points[-1].step if run.points else 0
        for key, value in run.summary.items():
            yield self.entities.Metric(f"summary/{key}", value, round(run.ended * 1000), last)

    def _find(self, key: str) -> Any:
        found = self.client.search_runs([self.experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
        return found[0] if found else None


def batched(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """Yield items in parts of so many at most."""
    for start in range(0, len(items), most):
        yield items[start : start + most]
