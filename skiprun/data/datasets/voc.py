"""Pascal VOC 2012 (Everingham et al. 2012): photographs with the outlines of 20 kinds of things."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    from torchvision.datasets import VOCSegmentation

NAMES = [
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
]


@DATASETS.register(
    "voc",
    task="segmentation",
    classes=21,
    shape="3 x image_size",
    size="1,464 + 1,449",
    train=1464,
    test=1449,
    download="2 GB",
    paper="Everingham et al. 2012",
    resizes=True,
)
def voc(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Things, animals and people in photographs, resized to `image_size`; outlines do not count.

    The official val split is what is tested on, because the masks of the test split are not published.
    """
    kind = torchvision_datasets().VOCSegmentation
    known = torchvision_datasets().voc.DATASET_YEAR_DICT["2012"]
    archive = Archive((known["url"],), known["filename"], known["md5"])

    def unpack(root: Path, progress: ProgressCallback) -> None:
        unpack_tar(root / archive.path, known["base_dir"].split("/")[0], progress)

    def read(root: Path) -> RawDataset:
        train, test = (
            voc_split(kind(root, "2012", split), split, config, progress) for split in ("train", "val")
        )
        return RawDataset(train, test, tuple(NAMES), task="segmentation")

    return load_resized(PublishedDataset("voc", "2 GB", [archive], unpack, read), config, device, progress)


def voc_split(
    dataset: VOCSegmentation, split: str, config: DataConfig, progress: ProgressCallback
) -> RawSplit:
    """Return the images and masks of a split, as torchvision names their files."""
    files = zip(map(Path, dataset.images), map(Path, dataset.masks), strict=True)
    pairs = [MaskPair(image.name, image, mask) for image, mask in files]
    named = config.model_copy(update={"classes": NAMES, "ignore_index": VOID})
    how = Conversion(background=config.background)
    return make_raw_split(read_split(split, pairs, named, progress, how), False, named)
