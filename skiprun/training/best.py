"""Track the best validation score of a run and the weights that reached it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from skiprun.errors import CheckpointError
from skiprun.tasks import Task
from skiprun.training.checkpoint import load, save


class Best:
    """The best validation so far, by the score and then by the loss; its weights are in best.pt.

    Attributes:
        record: step, epoch and scores (`val`) of it; empty before the first.
    """

    def __init__(self, file: Path, task: Task) -> None:
        self.file, self.task = file, task
        self.record: dict[str, Any] = {}

    def update(self, record: dict[str, Any], model: nn.Module) -> None:
        """Keep a validation and its weights if it went better than ever before."""
        if not self.record or self._rank(record) < self._rank(self.record):
            self.record = record
            self.save(model)

    def _rank(self, record: dict[str, Any]) -> tuple[float, float]:
        """Return what is lower for better scores."""
        score: float = record["val"][self.task.score_name]
        return (score if self.task.better == "lower" else -score), record["val"]["loss"]

    def save(self, model: nn.Module) -> None:
        """Write best.pt."""
        save(self.file, {"model": model.state_dict(), **self.record})

    def load(self, device: torch.device) -> dict[str, Any]:
        """Return the weights.

        Raises:
            CheckpointError: they cannot be read, or are of another step.
        """
        state = load(self.file, device)
        if state["step"] != self.record["step"]:
            raise CheckpointError(f"{self.file}: of step {state['step']}, not {self.record['step']}, the best.")
        weights: dict[str, Any] = state["model"]
        return weights

    def recover(self, model: nn.Module, step: int) -> None:
        """Make sure that best.pt is whole; write it again if the weights at hand, of a step, are the best."""
        if not self.record:
            return
        try:
            load(self.file)
        except CheckpointError:
            if self.record["step"] != step:
                raise
            self.save(model)

    def load_state_dict(self, record: dict[str, Any]) -> None:
        """Take over the record of a checkpoint; it must hold the score and the step."""
        if record:
            float(record["val"][self.task.score_name]), int(record["step"])
        self.record = record
