"""The loops of other trainers, timm and Lightning, each called with `tick` as those of `loops` are."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks import material
from benchmarks.feeds import Images, loader
from benchmarks.loops import Tick, sgd
from skiprun.system.torchvision_repair import torchvision


def timm(tick: Tick, device: str, name: str, batch: int, workers: int = 0) -> None:
    """Run the steps of timm's train_one_epoch with timm's loader, loss, optimizer and meters at defaults.

    The function itself is in train.py, which the package leaves out. On a GPU the loader brings bytes, which
    it normalizes there, one batch ahead.
    """
    from timm.data import create_loader
    from timm.loss import LabelSmoothingCrossEntropy
    from timm.optim import create_optimizer_v2
    from timm.utils import AverageMeter

    torch.backends.cudnn.benchmark = True
    model = material.network(name).to(device).train()
    images, ahead = Images(), device == "cuda"
    t = torchvision.transforms
    transform = t.Compose([*images.crops, t.PILToTensor()]) if ahead else images.transform
    batches = create_loader(
        images,
        (3, 32, 32),
        batch,
        is_training=True,
        mean=material.MEAN,
        std=material.STD,
        num_workers=workers,
        use_prefetcher=ahead,
        device=torch.device(device),
    )
    images.transform = transform  # equal work: not timm's resized crops
    optimizer = create_optimizer_v2(model, "sgd", lr=0.1, weight_decay=1e-4, momentum=0.9)
    criterion, losses = LabelSmoothingCrossEntropy(0.0), AverageMeter()
    while True:
        for inputs, targets in batches:
            loss = criterion(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.update(loss.item(), len(inputs))
            tick()


def lightning(
    tick: Tick, device: str, name: str, batch: int, precision: str = "32-true", workers: int = 0
) -> None:
    """Run Lightning's Trainer with its own logging of the loss to TensorBoard, no checkpoints, no bar."""
    import lightning as L
    from lightning.pytorch.loggers import TensorBoardLogger
    from lightning.pytorch.plugins.environments import LightningEnvironment

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = material.network(name)

        def training_step(self, batch: Any, _number: int) -> torch.Tensor:
            loss = F.cross_entropy(self.model(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return sgd(self)

        def on_train_batch_end(self, *_: Any) -> None:
            tick()

    trainer = L.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        precision=precision,
        plugins=[LightningEnvironment()],  # else it asks for MPI, which may be there in parts only
        max_epochs=100,
        logger=TensorBoardLogger(tempfile.mkdtemp()),
        log_every_n_steps=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Module(), loader(batch, device, workers))
