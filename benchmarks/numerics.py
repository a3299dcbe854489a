"""A faster loop must learn the same: the same batches in the same order give the same losses in fp32."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks import material, ours
from benchmarks.loops import sgd
from benchmarks.measure import Setting
from skiprun.training.randomness import seed_step
from skiprun.training.trainer import Trainer

SHOWN = (1, 2, 5, 10, 20, 50, 100)
RATE = 0.01


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return skiprun's loss, and its distance to its captured step (on a GPU) and to two plain loops.

    The plain loops have the two layouts of memory.

    Layouts round differently, and training multiplies what differs: the last column is what rounding alone
    does.
    """
    torch.set_num_threads(1)
    if setting.gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else no matrix product is deterministic
        torch.backends.cudnn.allow_tf32 = False
    steps = 10 if setting.quick else 100
    trainer = own_trainer(setting)
    losses = own_losses(trainer, steps)
    others = {"captured step": own_losses(own_trainer(setting, captured=True), steps)} if setting.gpu else {}
    layouts = {"plain loop, channels_last": torch.channels_last, "plain loop, NCHW": torch.contiguous_format}
    others |= {label: plain(trainer, layout, steps) for label, layout in layouts.items()}
    return [
        {"step": step, "skiprun loss": losses[step - 1]}
        | {
            f"{label}: relative difference": abs(loss[step - 1] / losses[step - 1] - 1)
            for label, loss in others.items()
        }
        for step in SHOWN
        if step <= steps
    ]


def own_trainer(setting: Setting, captured: bool = False) -> Trainer:
    """Return skiprun's trainer; on a GPU it takes kernels that repeat."""
    compute = {"precision": "fp32", "compile": "off", "cuda_graph": captured, "deterministic": setting.gpu}
    sections = {"log": {"every": 1, "tensorboard": False}, "optim": {"lr": RATE}}
    config = material.experiment({"name": "resnet20"}, 64, setting.device, compute, **sections)
    return ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()))


def own_losses(trainer: Trainer, steps: int) -> list[float]:
    """Return the losses of skiprun's first steps."""
    trainer.train_to(steps)
    trainer.log.sync()
    records = map(json.loads, trainer.log.path.read_text().splitlines())
    return [record["train/loss"] for record in records if "train/loss" in record]


def plain(trainer: Trainer, layout: torch.memory_format, steps: int) -> list[float]:
    """Return the losses of a plain loop on the batches of a trainer."""
    model = material.network().to(trainer.setup.device, memory_format=layout).train()  # type: ignore[call-overload]
    optimizer, losses = sgd(model, RATE), []
    for step in range(steps):
        seed_step(trainer.config.seed_of("augment"), step)
        images, labels = trainer.data.prepare(*trainer.data.fetch(trainer.sampler.batch(step)))
        loss = F.cross_entropy(model(images.contiguous(memory_format=layout)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
