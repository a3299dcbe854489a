"""Oxford-IIIT Pet (Parkhi et al. 2012): photographs of cats and dogs, with the animal cut out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.borders import VOID
from skiprun.data.datasets.mask_folder import load_resized
from skiprun.data.download.fetch import Archive
from skiprun.data.download.official import PublishedDataset, torchvision_datasets
from skiprun.data.download.unpack import unpack_tar
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.mask_split import make_raw_split, read_split
from skiprun.data.folders.pairs import MaskPair
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.datasets import OxfordIIITPet

FOLDER = "oxford-iiit-pet"
# What the trimaps say: 1 animal, 2 background, 3 the rim that was not decided.
TRIMAP = np.array([VOID, 1, 0, VOID], np.uint8)


@DATASETS.register(
    "oxford_pets",
    task="segmentation",
    classes=2,
    shape="3 x image_size",
    size="3,680 + 3,669",
    train=3680,
    test=3669,
    download="811 MB",
    paper="Parkhi et al. 2012",
    resizes=True,
)
def oxford_pets(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Cats and dogs against their background, resized to `image_size`; the undecided rim does not count."""
    kind = torchvision_datasets().OxfordIIITPet
    archives = [
        Archive((url,), f"{FOLDER}/{url.rpartition('/')[2]}", digest) for url, digest in kind._RESOURCES
    ]

    def unpack(root: Path, progress: ProgressCallback) -> None:
        for archive in archives:
            unpack_tar(root / archive.path, archive.name.partition(".")[0], progress)

    def read(root: Path) -> RawDataset:
        train, test = (
            pets_split(kind(root, split=split), config, progress) for split in ("trainval", "test")
        )
        return RawDataset(train, test, ("background", "pet"), task="segmentation")

    return load_resized(
        PublishedDataset("oxford_pets", "811 MB", archives, unpack, read), config, device, progress
    )


def pets_split(dataset: OxfordIIITPet, config: DataConfig, progress: ProgressCallback) -> RawSplit:
    """Return the images and masks of a split, as torchvision names their files."""
    pairs = [
        MaskPair(image.name, image, mask) for image, mask in zip(dataset._images, dataset._segs, strict=True)
    ]
    as_numbered = config.model_copy(
        update={"classes": ["", "pet", "background", "rim"], "ignore_index": None}
    )
    part = read_split(dataset._split, pairs, as_numbered, progress, Conversion(background=config.background))
    return make_raw_split(replace(part, masks=TRIMAP[np.minimum(part.masks, 3)]), False, config)
