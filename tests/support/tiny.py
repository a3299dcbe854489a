"""A training run of seconds: 96 small images in memory, a narrow network, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.data.contract import ALL
from skiprun.models import build_model
from skiprun.probes.grad_norm import GradNorm
from skiprun.tasks.classification import Classification
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.device import choose_device, configure_process
from skiprun.training.metrics import MetricsLog
from skiprun.training.randomness import derive_seed
from skiprun.training.surroundings import Surroundings
from skiprun.training.trainer import Trainer


class TinyData:
    """Noise with a bright corner that gives the class away; augmented by noise from the global generator."""

    fingerprint = "tiny"

    def __init__(self, device: torch.device) -> None:
        generator = torch.Generator().manual_seed(0)
        self.images = torch.randn(96, 1, 8, 8, generator=generator)
        self.labels = torch.arange(96) % 4
        for label in range(4):
            row, column = divmod(label, 2)
            self.images[self.labels == label, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 1.5
        self.images, self.labels = self.images.to(device), self.labels.to(device)
        self.index_device = device
        self.train = range(64)

    shard_sizes, reads_ahead = None, False

    def prefetch(self, index: Tensor) -> None:
        """Read nothing: all is there."""

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        return (index,)

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        (index,) = fetched
        images = self.images[index]
        return images + 0.1 * torch.randn_like(images), self.labels[index]

    def batches(self, split: str, batch_size: int, which: slice = ALL) -> Iterator[tuple[Tensor, Tensor]]:
        part = {"train": slice(0, 64), "val": slice(64, 80), "test": slice(80, 96)}[split]
        yield from [(self.images[part], self.labels[part])][which]


def tiny_config(**sections: Any) -> RunConfig:
    """Return a config of 12 steps, which sections may override."""
    plain = {
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "digits", "batch_size": 16},
        "optim": {"clip_norm": 1.0},
        "schedule": {"epochs": 3},
        "compute": {"precision": "fp32"} | sections.pop("compute", {}),
        "log": {"every": 2, "tensorboard": False},
    }
    return build_config(plain | sections)


def tiny_trainer(folder: Path, config: RunConfig, **options: Any) -> Trainer:
    """Return a trainer of the tiny data that keeps its files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    views = options.pop("views", [])
    setup = options.pop("setup", None) or choose_device(config)
    configure_process(setup)
    torch.manual_seed(derive_seed(config.seed, "weights"))
    model = build_model("resnet_cifar", 4, 1, depth=8, width=4)
    trainer = Trainer(
        model,
        Classification(config.optim.label_smoothing),
        TinyData(setup.device),
        config,
        setup,
        Surroundings(
            Checkpoints(folder),
            lambda keep_bytes: MetricsLog(folder / "metrics.jsonl", keep_bytes, views),
            [GradNorm()],
            **options,
        ),
    )
    trainer.load_checkpoint()
    return trainer
