"""What a config names, built: data, task, network, and where they compute."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from skiprun.config import RunConfig
from skiprun.data import Loaders
from skiprun.inference.evaluate import evaluation_batch_size
from skiprun.models import Cost
from skiprun.models.weights.pretrained import WeightReport
from skiprun.tasks import Task
from skiprun.tasks.segmentation import constant_scores
from skiprun.training.device import DeviceSetup


@dataclass(frozen=True)
class Parts:
    """What a config names, built; see `prepare`."""

    config: RunConfig
    setup: DeviceSetup
    loaders: Loaders
    task: Task
    model: nn.Module
    cost: Cost
    notes: tuple[str, ...] = ()
    weights: WeightReport | None = None

    @property
    def trivial(self) -> dict[str, dict[str, float]]:
        """What the best answer of one class everywhere scores, by split; nothing where there are no masks."""
        return {split: constant_scores(pixels[:-1]) for split, pixels in self.loaders.pixels.items()}

    @property
    def description(self) -> str:
        """One line for people: network, data, place, seed, and what is held at another."""
        size = f"{self.cost.parameters:,} parameters, {self.cost.layers} layers"
        data = f"{self.config.data.name} ({len(self.loaders.train):,} to train on)"
        named = {"seed": self.config.seed, **self.config.seeds.model_dump(exclude_defaults=True)}
        seeds = ", ".join(f"{source} {seed}" for source, seed in named.items())
        return f"{self.config.model.name} ({size}) on {data}; {self.setup}; {seeds}"

    @property
    def evaluation_batch_size(self) -> int:
        """How many images to evaluate at once."""
        return evaluation_batch_size(self.config, self.cost, self.setup.device.type == "cuda")
