"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 colour photographs of objects and animals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.download.fetch import Archive
from skiprun.data.download.official import PublishedDataset, load_official, torchvision_datasets
from skiprun.data.download.unpack import unpack_tar
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.datasets import CIFAR10

FACTS = {
    "shape": "3x32x32",
    "size": "50,000 + 10,000",
    "train": 50000,
    "test": 10000,
    "paper": "Krizhevsky 2009",
}


@DATASETS.register("cifar10", classes=10, download="170 MB", **FACTS)
def cifar10(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Colour photographs of 10 kinds of vehicles and animals."""
    return _load_cifar("cifar10", "170 MB", torchvision_datasets().CIFAR10, config, device, progress)


@DATASETS.register("cifar100", classes=100, download="169 MB", **FACTS)
def cifar100(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Colour photographs of 100 kinds of things, 500 each to train on."""
    return _load_cifar("cifar100", "169 MB", torchvision_datasets().CIFAR100, config, device, progress)


def _load_cifar(
    name: str,
    size: str,
    kind: type[CIFAR10],
    config: DataRequest,
    device: torch.device,
    progress: ProgressCallback,
) -> Loaders:
    """Load one of the two by torchvision's class."""

    def unpack(root: Path, progress: ProgressCallback) -> None:
        unpack_tar(root / kind.filename, kind.base_folder, progress)

    def read(root: Path) -> RawDataset:
        train, test = kind(root, train=True), kind(root, train=False)
        return RawDataset(_cifar_split(train), _cifar_split(test), tuple(train.classes))

    archive = Archive((kind.url,), kind.filename, kind.tgz_md5)
    official = PublishedDataset(name, size, [archive], unpack, read, kind.base_folder)
    return assemble(load_official(official, config, progress), config, device)


def _cifar_split(dataset: CIFAR10) -> RawSplit:
    """Return what torchvision read: images [N, 32, 32, 3], which it holds by channel, and labels."""
    return RawSplit(np.ascontiguousarray(dataset.data), np.array(dataset.targets, np.int64))
