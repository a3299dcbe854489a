"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): 28x28 grey images of digits and clothes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from skiprun.data.assemble import assemble
from skiprun.data.download.fetch import Archive, same_as_gzip
from skiprun.data.download.official import PublishedDataset, load_official, torchvision_datasets
from skiprun.data.download.unpack import unpack_gzip
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.datasets import MNIST

FACTS = {
    "classes": 10,
    "shape": "1x28x28",
    "size": "60,000 + 10,000",
    "train": 60000,
    "test": 10000,
}


@DATASETS.register("mnist", download="12 MB", paper="LeCun et al. 1998", **FACTS)
def mnist(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Handwritten digits, grey, 28x28."""
    return _load_mnist("mnist", "12 MB", torchvision_datasets().MNIST, config, device, progress)


@DATASETS.register("fashion_mnist", download="31 MB", paper="Xiao et al. 2017", **FACTS)
def fashion_mnist(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Pieces of clothing, grey, 28x28."""
    return _load_mnist(
        "fashion_mnist", "31 MB", torchvision_datasets().FashionMNIST, config, device, progress
    )


def _load_mnist(
    name: str,
    size: str,
    kind: type[MNIST],
    config: DataRequest,
    device: torch.device,
    progress: ProgressCallback,
) -> Loaders:
    """Load one of the two by torchvision's class."""
    folder = f"{kind.__name__}/raw"
    archives = [
        Archive(tuple(mirror + file for mirror in kind.mirrors), f"{folder}/{file}", digest)
        for file, digest in kind.resources
    ]

    def unpack(root: Path, progress: ProgressCallback) -> None:
        for number, archive in enumerate(archives, 1):
            unpack_gzip(root / archive.path)
            progress(number, len(archives), f"unpacking {kind.__name__}")

    def read(root: Path) -> RawDataset:
        for archive in archives:
            # torchvision does not check the unpacked files.
            if not same_as_gzip((root / archive.path).with_suffix(""), root / archive.path):
                raise ValueError(f"{archive.path} was unpacked with errors")
        train, test = kind(root, train=True), kind(root, train=False)
        return RawDataset(_mnist_split(train), _mnist_split(test), tuple(train.classes))

    official = PublishedDataset(name, size, archives, unpack, read, folder)
    return assemble(load_official(official, config, progress), config, device)


def _mnist_split(dataset: MNIST) -> RawSplit:
    """Return what torchvision read: images [N, 28, 28, 1] and labels."""
    return RawSplit(dataset.data.numpy()[..., None], dataset.targets.numpy())
