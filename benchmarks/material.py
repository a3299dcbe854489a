"""What all arms train on: drawn images of CIFAR-10's size, one network with one start, He's optimizer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.data.augmentation.augment import Augment
from skiprun.data.loaders import InMemorySplit, Loaders
from skiprun.models import build_model

CLASSES = 10
MEAN, STD = (0.5, 0.5, 0.5), (0.29, 0.29, 0.29)


@lru_cache(maxsize=1)
def images(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images [N, 32, 32, 3] and labels: noise, as speed does not look at what is to be seen."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (number, 32, 32, 3), dtype=np.uint8), draw.integers(0, CLASSES, number)


def network(name: str = "resnet20", width: int | None = None) -> nn.Module:
    """Return a network with the same first weights in every arm."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"width": width} if width else {}
    return build_model(name, CLASSES, 3, **options)


def experiment(
    model: dict, batch: int, precision: str, device: str, compute: dict | None = None, **sections: object
) -> RunConfig:
    """Return the config of skiprun's arm; norms and TensorBoard each step unless sections say otherwise."""
    plain = {
        "model": model,
        "data": {"name": "cifar10", "batch_size": batch, "augment": {"crop": 4, "flip": True}},
        "schedule": {"kind": "constant", "steps": 10**6},
        "compute": {"device": device, "precision": precision} | (compute or {}),
        "log": {"every": 1},
    }
    return build_config(plain | sections)


def loaders(number: int, config: RunConfig) -> Loaders:
    """Return the images as skiprun keeps them, on the device."""
    device = torch.device(config.compute.device)
    values, labels = (torch.from_numpy(each).to(device) for each in images(number))
    split = InMemorySplit(values, labels)
    small = InMemorySplit(values[:500], labels[:500])
    names = tuple(map(str, range(CLASSES)))
    augment = Augment(config.data.augment, MEAN, STD, CLASSES, device)
    shape = (3, 32, 32)
    return Loaders(
        split, small, small, CLASSES, shape, "classification", names, "drawn", MEAN, STD, device, augment
    )
