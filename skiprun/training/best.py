"""Track the best validation score of a run and the weights that reached it."""

from __future__ import annotations

from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.errors import CheckpointError
from skiprun.tasks import Task
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.resume import refuse_another_experiment
from skiprun.training.state import Checkpoint, Validation


class BestCheckpoint:
    """The best validation so far, by the score and then by the loss; its weights are in best.pt.

    Attributes:
        record: step, epoch and scores (`val`) of it; empty before the first.
    """

    def __init__(self, checkpoints: Checkpoints, task: Task, config: RunConfig) -> None:
        self.checkpoints, self.file, self.task, self.config = checkpoints, checkpoints.best, task, config
        self.record: Validation = {}

    def update(self, record: Validation, model: nn.Module) -> None:
        """Keep a validation and its weights if it went better than ever before."""
        if not self.record or self._rank(record) < self._rank(self.record):
            self.record = record
            self.save(model)

    def _rank(self, record: Validation) -> tuple[float, float]:
        """Return what is lower for better scores."""
        score = record["val"][self.task.score_name]
        return (score if self.task.better == "lower" else -score), record["val"]["loss"]

    def save(self, model: nn.Module) -> None:
        """Write best.pt."""
        weights: Checkpoint = {"config": self.config.to_dict(), "model": model.state_dict()}
        self.checkpoints.save_best({**weights, **self.record})  # type: ignore[typeddict-item]

    def load(self) -> dict[str, Tensor]:
        """Return the weights.

        Raises:
            CheckpointError: they cannot be read, or are of another step or experiment.
        """
        state = self.checkpoints.load_best()
        if state["step"] != self.record["step"]:
            raise CheckpointError(
                f"{self.file}: of step {state['step']}, not {self.record['step']}, the best."
            )
        refuse_another_experiment(self.file, state, self.config)
        return state["model"]

    def recover(self, model: nn.Module, step: int) -> None:
        """Make sure that best.pt is whole; write it again if the weights at hand, of a step, are the best."""
        if not self.record:
            return
        try:
            self.checkpoints.load_best()
        except CheckpointError:
            if self.record["step"] != step:
                raise
            self.save(model)

    def load_state_dict(self, record: Validation) -> None:
        """Load the record of a checkpoint; it must hold the score and the step."""
        if record:
            float(record["val"][self.task.score_name]), int(record["step"])
        self.record = record
