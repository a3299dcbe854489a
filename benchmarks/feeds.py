"""How images come to the loops of others: one by one through a DataLoader, or in batches on the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks import material
from benchmarks.measure import IMAGES
from skiprun.system.torchvision_repair import torchvision


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


def endless(batches: DataLoader) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of one epoch after another."""
    while True:
        yield from batches


def resident(batch: int, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of images that lie on the device, cropped, mirrored and normalized there, without end."""
    values, labels = (torch.from_numpy(each).to(device) for each in material.images(IMAGES))
    padded = F.pad(values, (0, 0, 4, 4, 4, 4))
    mean, std = (255 * torch.tensor(each, device=device) for each in (material.MEAN, material.STD))
    pixels = torch.arange(32, device=device)
    while True:
        for index in torch.randperm(len(labels), device=device).split(batch)[: len(labels) // batch]:
            shifts = torch.randint(9, (2, batch, 1), device=device)
            mirrored = torch.rand(batch, 1, device=device) < 0.5
            rows, columns = shifts[0] + pixels, shifts[1] + torch.where(mirrored, 31 - pixels, pixels)
            images = padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]
            yield ((images - mean) / std).permute(0, 3, 1, 2), labels[index]
