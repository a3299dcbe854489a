"""A faster loop that learns something else is void: the same batches in the same order give the same losses in fp32."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks import material, ours
from benchmarks.loops import sgd
from skiprun.training.randomness import seed_step
from skiprun.training.trainer import Trainer

SHOWN = (1, 2, 5, 10, 20, 50, 100)
RATE = 0.01


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return skiprun's loss, and how far plain loops are from it: in the same memory layout, and in the classic one.

    Layouts round differently, and training multiplies what differs: the last column is what rounding alone does.
    """
    torch.set_num_threads(1)
    steps = 10 if quick else 100
    sections = {"log": {"every": 1, "tensorboard": False}, "optim": {"lr": RATE}}
    config = material.experiment({"name": "resnet20"}, 64, "fp32", **sections)
    trainer = ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()))
    same, classic = (plain(trainer, layout, steps) for layout in (torch.channels_last, torch.contiguous_format))
    trainer._run_to(steps)
    trainer.log.sync()
    records = map(json.loads, trainer.log.path.read_text().splitlines())
    own = {record["step"]: record["train/loss"] for record in records if "train/loss" in record}
    return [
        {
            "step": step,
            "skiprun loss": own[step],
            "plain loop, channels_last: relative difference": abs(same[step - 1] / own[step] - 1),
            "plain loop, NCHW: relative difference": abs(classic[step - 1] / own[step] - 1),
        }
        for step in SHOWN
        if step <= steps
    ]


def plain(trainer: Trainer, layout: torch.memory_format, steps: int) -> list[float]:
    """Return the losses of a plain loop on the batches of a trainer."""
    model = material.network().to(memory_format=layout).train()  # type: ignore[call-overload]
    optimizer, losses = sgd(model, RATE), []
    for step in range(steps):
        seed_step(trainer.config.seed, step)
        pictures, labels = trainer.data.train_batch(trainer.order.batch(step))
        loss = F.cross_entropy(model(pictures.contiguous(memory_format=layout)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
