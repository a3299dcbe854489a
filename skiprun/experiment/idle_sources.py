"""Find the sources of randomness that decide nothing in a config: build what it names with two seeds."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from skiprun.config import RunConfig
from skiprun.experiment.parts import Parts
from skiprun.experiment.work import rehearse
from skiprun.models.weights.digest import weights_digest
from skiprun.system.progress import ProgressCallback
from skiprun.training.device import choose_device

FEW = 2  # images of a step, which is enough to see whether it draws


@dataclass(frozen=True)
class Drawn:
    """What a config draws before and in its first step."""

    split: str
    weights: str
    in_a_step: bool


def idle_sources(one: RunConfig, other: RunConfig, loading: ProgressCallback | None = None) -> dict[str, str]:
    """Return the sources that decide nothing, each with the reason.

    Args:
        one: an experiment.
        other: the same one with another seed for every source.
        loading: told of (done, total, what) while data is prepared.
    """
    first, second = (_drawn(rehearse(config, choose_device, loading)) for config in (one, other))
    idle: dict[str, str] = {}
    if first.weights == second.weights:
        idle["init"] = "every first weight is given"
    if not first.in_a_step:
        idle["augment"] = "nothing is drawn in a step, for images or by the network"
    if first.split == second.split:
        idle["split"] = f"dataset '{one.data.name}' has splits of its own"
    return idle


def _drawn(parts: Parts) -> Drawn:
    weights = weights_digest([parts.model])
    return Drawn(parts.loaders.fingerprint, weights, draws_in_a_step(parts))


def draws_in_a_step(parts: Parts) -> bool:
    """Tell whether augmentation or the network draws from torch's generator; the network is changed."""
    before = torch.get_rng_state()
    images, _ = parts.loaders.train_batch(torch.arange(FEW))
    parts.model.train()(images)
    return not torch.equal(before, torch.get_rng_state())
