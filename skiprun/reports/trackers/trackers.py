"""The trackers by name."""

from __future__ import annotations

from skiprun.reports.trackers.mlflow import MLflow
from skiprun.reports.trackers.tracker import Opens
from skiprun.reports.trackers.trackio import Trackio
from skiprun.reports.trackers.wandb import WandB

TRACKERS: dict[str, Opens] = {"mlflow": MLflow, "trackio": Trackio, "wandb": WandB}
