"""Networks of a study's target: as their runs start, or with the weights of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from skiprun.config import RunConfig
from skiprun.experiment.checks import located
from skiprun.experiment.finished import load_weights
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.models import build_from_config
from skiprun.models.weights.pretrained import load_from_config
from skiprun.training.placing import put_rebuilt
from skiprun.training.randomness import derive_seed


@dataclass(frozen=True)
class TargetNetworks:
    """What gives a target's networks their weights.

    Attributes:
        weights: of a run: best, last, or those before its first step.
    """

    target: StudyTarget
    weights: str

    @property
    def are_trained(self) -> bool:
        """Whether a checkpoint gives each network all of its weights."""
        return bool(self.target.runs) and self.weights != "initial"

    def draw(self, config: RunConfig, classes: int, channels: int) -> nn.Module:
        """Return a network with the weights that its run starts from, or that a checkpoint replaces."""
        torch.manual_seed(derive_seed(config.seed_of("init"), "weights"))
        with_plugins(config)
        with located(config, "model"):
            model = build_from_config(config.model, classes, channels)
        if not self.are_trained:
            load_from_config(model, config.model)
        return model

    def ready(self, model: nn.Module, number: int, device: torch.device) -> nn.Module:
        """Return the network of a seed on a device, with the weights of its run if it has one."""
        if self.are_trained:
            load_weights(model, self.target.runs[number], self.weights)
        return put_rebuilt(model, device, self.target.configs[number])
