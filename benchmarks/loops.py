"""The loops that people write and use, each called with `tick`, which it calls after every step.

All train the network of `material` with SGD (0.1, momentum 0.9, decay 1e-4) on batches of cropped, mirrored
and normalized images. What an arm does beyond that is its habit: that is what is measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import torch
from torch import nn

from benchmarks import material
from benchmarks.feeds import endless, loader, resident

Tick = Callable[[], None]


def sgd(model: nn.Module, rate: float = 0.1, fused: bool | None = None) -> torch.optim.SGD:
    """Return the optimizer as the scripts build it."""
    return torch.optim.SGD(model.parameters(), rate, momentum=0.9, weight_decay=1e-4, fused=fused)


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
    workers: int | None = 0,
) -> None:
    """Run the classic loop as an expert would: channels_last, bf16 and torch.compile; nothing waits.

    Args:
        tick: called after every step.
        device: cpu or cuda.
        name: of the network.
        batch: images a step.
        compiled: whether the pass is.
        mode: of torch.compile; `reduce-overhead` takes CUDA graphs.
        workers: processes of the DataLoader, which live on from epoch to epoch; None: the images lie on the
            device, and the optimizer is one kernel.
    """
    torch.backends.cudnn.benchmark = True
    model = material.network(name).to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    forward = torch.compile(model, mode=mode) if compiled else model
    optimizer, criterion = sgd(model, fused=workers is None or None), nn.CrossEntropyLoss()
    batches = endless(loader(batch, device, workers, persistent=True)) if workers is not None else None
    losses = torch.zeros((), device=device)
    for images, labels in batches or resident(batch, device):
        images = images.to(device, memory_format=torch.channels_last, non_blocking=True)
        labels = labels.to(device, non_blocking=True)
        with torch.autocast(device, torch.bfloat16):
            loss = criterion(forward(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += loss.detach()
        tick()
