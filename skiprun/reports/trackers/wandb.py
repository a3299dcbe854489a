"""Runs for Weights & Biases: written offline into a folder, which `wandb sync` brings to its server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from skiprun.reports.trackers.tracked_run import TrackedRun
from skiprun.reports.trackers.tracker import imported
from skiprun.system.files import make_folder, write_text

DIGEST = "skiprun-digest.txt"  # beside what wandb writes of a run


class WandB:
    """A project of Weights & Biases, in a folder."""

    def __init__(self, project: str, folder: Path | None) -> None:
        os.environ.setdefault("WANDB_MODE", "offline")
        for switch, value in (("WANDB_ERROR_REPORTING", "false"), ("WANDB_SILENT", "true")):
            os.environ.setdefault(switch, value)
        self.wandb: Any = imported("wandb", "wandb")
        self.project = project
        self.folder = (folder or Path(os.environ.get("WANDB_DIR", "."))).absolute()
        self.place = str(self.folder / "wandb")
        self.look = f"wandb sync {self.place}/offline-run-*"

    def digest_of(self, key: str) -> str | None:
        """Return the digest that a run was written with; '' if not to its end, None if it is not there."""
        for folder in self._folders(key):
            file = folder / DIGEST
            return file.read_text() if file.exists() else ""
        return None

    def delete(self, key: str) -> None:
        """Delete what is in the folder of a run; one that was brought to a server stays there."""
        for folder in self._folders(key):
            shutil.rmtree(folder)

    def write(self, run: TrackedRun) -> None:
        """Write a run, its digest last. Nothing but what its directory says: no code, no machine."""
        make_folder(self.folder)
        settings = self.wandb.Settings(
            console="off", disable_git=True, save_code=False, x_disable_meta=True, x_disable_stats=True
        )
        config = {**run.params, "skiprun": {**run.facts, "state": run.state}}
        kept = self.wandb.init(
            dir=str(self.folder),
            project=self.project,
            settings=settings,
            **{"id": run.key, "name": run.name, "group": run.group, "tags": list(run.tags), "config": config},
        )
        for point in run.points:
            kept.log(point.metrics, step=point.step)
        kept.summary.update(run.summary)
        kept.finish(exit_code=0 if run.state in ("finished", "running") else 1)
        for folder in self._folders(run.key):
            write_text(folder / DIGEST, run.digest)

    def _folders(self, key: str) -> list[Path]:
        """Return the folders of a run, which end with its id."""
        return sorted((self.folder / "wandb").glob(f"*run-*-{key}"))
