"""Street View House Numbers (Netzer et al. 2011): 32x32 colour images of single digits in street scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.download.fetch import Archive
from skiprun.data.download.official import PublishedDataset, load_official, torchvision_datasets
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.datasets import SVHN

SPLITS = ("train", "test")


@DATASETS.register(
    "svhn",
    classes=10,
    shape="3x32x32",
    size="73,257 + 26,032",
    train=73257,
    test=26032,
    download="246 MB",
    paper="Netzer et al. 2011",
)
def svhn(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """House numbers in street scenes, one digit an image, without the extra training set."""
    kind = torchvision_datasets().SVHN
    archives = [
        Archive((url,), file, digest) for url, file, digest in (kind.split_list[key] for key in SPLITS)
    ]

    def unpack(root: Path, progress: ProgressCallback) -> None:
        """Do nothing: the official files are read as they are."""

    def read(root: Path) -> RawDataset:
        train, test = (_svhn_split(kind(root, split=split)) for split in SPLITS)
        return RawDataset(train, test, tuple("0123456789"))

    source = load_official(PublishedDataset("svhn", "246 MB", archives, unpack, read), config, progress)
    return assemble(source, config, device)


def _svhn_split(dataset: SVHN) -> RawSplit:
    """Return what torchvision read: images [N, 32, 32, 3], which it holds by channel, and labels."""
    return RawSplit(np.ascontiguousarray(dataset.data.transpose(0, 2, 3, 1)), dataset.labels)
