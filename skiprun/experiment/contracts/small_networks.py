"""Small networks that contracts try things in: one keeps the channels, one joins those of both."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from skiprun.models import build_model

SMALL_NETWORKS = {
    "resnet20": partial(build_model, "resnet20", width=4),
    "densenet_cifar": partial(build_model, "densenet_cifar", depth=10, growth=4),
}


def small_network(
    name: str = "resnet20", num_classes: int = 10, connection: str | None = None, seed: int = 0
) -> nn.Module:
    """Return one of the small networks, the same each time."""
    torch.manual_seed(seed)
    return SMALL_NETWORKS[name](num_classes, connection=connection)
