"""The loops that people write and use, each called with `tick`, which it calls after every step.

All train the network of `material` with SGD (0.1, momentum 0.9, decay 1e-4) on batches of cropped, mirrored
and normalized images. What an arm does beyond that is its habit: that is what is measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from benchmarks import material
from benchmarks.measure import IMAGES
from skiprun.system.torchvision_repair import torchvision

Tick = Callable[[], None]


class Images(Dataset):
    """The images as torchvision.datasets.CIFAR10 gives them: one PIL image at a time, transformed."""

    def __init__(self) -> None:
        self.values, self.labels = material.images(IMAGES)
        t = torchvision.transforms
        self.crops = [t.RandomCrop(32, 4), t.RandomHorizontalFlip()]
        self.transform = t.Compose([*self.crops, t.ToTensor(), t.Normalize(material.MEAN, material.STD)])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(Image.fromarray(self.values[index])), int(self.labels[index])


def loader(batch: int, device: str, workers: int, persistent: bool = False) -> DataLoader:
    """Return a DataLoader as the scripts build it, in pinned memory where there is a GPU."""
    return DataLoader(
        Images(),
        batch,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        pin_memory=device == "cuda",
        persistent_workers=persistent and workers > 0,
    )


def sgd(model: nn.Module, rate: float = 0.1) -> torch.optim.SGD:
    """Return the optimizer as the scripts build it."""
    return torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=1e-4)


def classic(tick: Tick, device: str, name: str, batch: int, norms: bool = False, workers: int = 0) -> None:
    """Run the loop of the classic CIFAR scripts: PIL transforms, DataLoader, NCHW, `.item()` each step.

    Args:
        tick: called after every step.
        device: cpu or cuda.
        name: of the network.
        batch: images a step.
        norms: also log the norm of every parameter's gradient with add_scalar, one by one.
        workers: processes of the DataLoader.
    """
    from torch.utils.tensorboard import SummaryWriter

    torch.backends.cudnn.benchmark = True
    model = material.network(name).to(device).train()
    optimizer, criterion = sgd(model), nn.CrossEntropyLoss()
    writer = SummaryWriter(tempfile.mkdtemp()) if norms else None
    batches = loader(batch, device, workers)
    step, losses, errors = 0, 0.0, 0.0
    while True:
        for images, labels in batches:
            images, labels = images.to(device), labels.to(device)
            output = model(images)
            loss = criterion(output, labels)
            optimizer.zero_grad()
            loss.backward()
            if writer:
                for key, parameter in model.named_parameters():
                    assert parameter.grad is not None
                    writer.add_scalar(f"grad/{key}", parameter.grad.norm().item(), step)
                writer.add_scalar("loss", loss.item(), step)
            optimizer.step()
            losses += loss.item()
            errors += (output.argmax(1) != labels).float().mean().item()
            step += 1
            tick()


def expert(
    tick: Tick,
    device: str,
    name: str,
    batch: int,
    compiled: bool = True,
    mode: str | None = None,
    workers: int = 0,
) -> None:
    """Run the classic loop as an expert would: channels_last, bf16 and torch.compile; nothing waits.

    Arguments are those of `classic`, but that workers live on from epoch to epoch; `mode` is torch.compile's,
    of which `reduce-overhead` takes CUDA graphs.
    """
    torch.backends.cudnn.benchmark = True
    model = material.network(name).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    forward = torch.compile(model, mode=mode) if compiled else model
    optimizer, criterion = sgd(model), nn.CrossEntropyLoss()
    batches = loader(batch, device, workers, persistent=True)
    losses = torch.zeros((), device=device)
    while True:
        for images, labels in batches:
            images = images.to(device, memory_format=torch.channels_last, non_blocking=True)
            labels = labels.to(device, non_blocking=True)
            with torch.autocast(device, torch.bfloat16):
                loss = criterion(forward(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.detach()
            tick()


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
