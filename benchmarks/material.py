"""What all arms train on: noise of CIFAR-10's shape, one network with one start, He's optimizer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from benchmarks.measure import IMAGES
from skiprun.config import DataConfig, RunConfig
from skiprun.config_file import build_config
from skiprun.data.assemble import assemble
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.models import build_model

CLASSES = 10
MEAN, STD = (0.5, 0.5, 0.5), (0.29, 0.29, 0.29)


@lru_cache(maxsize=1)
def images(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 images [N, 32, 32, 3] and labels: noise, as speed does not look at what is to be seen."""
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (number, 32, 32, 3), dtype=np.uint8), np.arange(number) % CLASSES


def network(name: str = "resnet20", width: float | None = None) -> nn.Module:
    """Return a network with the same first weights in every arm."""
    torch.manual_seed(0)
    options: dict[str, Any] = {"width": width} if width else {}
    return build_model(name, CLASSES, 3, **options)


def experiment(
    model: dict[str, Any], batch: int, device: str, compute: dict[str, Any] | None = None, **sections: object
) -> RunConfig:
    """Return a config of CIFAR-10 as its papers train it; what is not said has skiprun's own defaults."""
    threads = {"threads": torch.get_num_threads()} if device == "cpu" else {}
    plain = {
        "model": model,
        "data": {"name": "cifar10", "batch_size": batch, "augment": {"crop": 4, "flip": True}},
        "schedule": {"kind": "constant", "steps": 10**6},
        "compute": {"device": device} | threads | (compute or {}),
    }
    return build_config(plain | sections)


@contextlib.contextmanager
def noise_as_cifar10(number: int = IMAGES) -> Iterator[None]:
    """Let skiprun find noise where it looks for CIFAR-10: so many images to train on, a tenth to score."""

    def load(config: DataConfig, device: torch.device, *_: object, **__: object) -> Loaders:
        (values, labels), few = images(number), max(number // 10, CLASSES)
        small = RawSplit(values[:few], labels[:few])
        source = RawDataset(RawSplit(values, labels), small, tuple("0123456789"), val=small)
        return assemble(source, DataRequest.of(config, 0), device)

    with mock.patch.object(import_module("skiprun.experiment.prepare"), "load_data", load):
        yield
