"""Score the splits of a run while it trains: as many images at once as memory allows, each rank its part."""

from __future__ import annotations

from torch import nn

from skiprun.config import RunConfig
from skiprun.data.contract import TrainingData
from skiprun.errors import explain_out_of_memory
from skiprun.inference.evaluate import eager, evaluate_batches
from skiprun.inference.kept_images import Keep
from skiprun.tasks import Task
from skiprun.training.acceleration.captured_scores import CapturedScores
from skiprun.training.device import DeviceSetup, memory_advice
from skiprun.training.surroundings import Surroundings


class Evaluator:
    """Scores a network on the splits of a run's data.

    Args:
        task, data, config, setup, surroundings: of the run.
        captured: score batches by a CUDA graph, as the steps are made.
    """

    def __init__(
        self,
        task: Task,
        data: TrainingData,
        config: RunConfig,
        setup: DeviceSetup,
        surroundings: Surroundings,
        captured: bool,
    ) -> None:
        self.task, self.data, self.setup = task, data, setup
        self.ranks, self.batch_size = surroundings.ranks, surroundings.evaluation_batch_size
        self.launch = CapturedScores(setup.device) if captured else eager
        self.hint = f"Free some, and the same command continues. {memory_advice(config)}"

    def score(self, model: nn.Module, split: str, keep: Keep | None = None) -> dict[str, float]:
        """Return loss and scores of a split."""
        part = f"in the evaluation of the {split} split, {self.batch_size} images at a time"
        mine = slice(self.ranks.rank, None, self.ranks.count)
        with explain_out_of_memory(part, self.hint):
            return evaluate_batches(
                model,
                self.task,
                self.data.batches(split, self.batch_size, mine),
                self.setup.autocast,
                launch=self.launch,
                keep=keep,
                ranks=self.ranks,
            )
