"""Any folder of images with masks: <split>/images/ and <split>/masks/, paired by the names of the files.

Splits are train, val and test. Without test, val is what is tested on, and validation is taken from train. A
folder without splits is split by `test_fraction` and `seeds.split`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.download.official import PublishedDataset, load_official
from skiprun.data.download.place import folder_of
from skiprun.data.flat import draw_test
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.mask_classes import check_meanings
from skiprun.data.folders.mask_split import ReadSplit, make_raw_split, read_splits
from skiprun.data.folders.pairs import MaskPair, list_pairs
from skiprun.data.folders.remarks import check_colours, one_coloured
from skiprun.data.folds import empty_like
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset
from skiprun.data.subjects import group_numbers, subject_of
from skiprun.data.uses import notice_unused
from skiprun.errors import OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

TWO = ["background", "object"]


@DATASETS.register("mask_folder", task="segmentation", shape="any", resizes=True)
def mask_folder(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Your own images with masks: data.root holds <split>/images/ and <split>/masks/, or both alone."""
    if config.root is None:
        raise OptionError("root", "mask_folder needs the folder of the images, such as data.root=~/images")
    if config.classes is not None and not 2 <= len(config.classes) <= 255:
        raise OptionError("classes", f"found {len(config.classes)} names; 2 to 255 are allowed")
    pairs = list_pairs(folder_of(config.root), config)
    if config.folds:
        notice_unused(config, ["test_fraction"], "data.folds says what is tested")
        return from_pairs({"train": [*chain(*pairs.values())]}, config, device, progress)
    if FLAT in pairs:
        pairs = split_pairs(pairs[FLAT], config, str(config.root))
    else:
        notice_unused(config, ["test_fraction"], f"{config.root} has a split to test on")
    if "test" not in pairs:
        pairs["test"] = pairs.pop("val")
    if "val" in pairs:
        notice_unused(config, ["val_fraction", "split_seed"], f"{config.root} has a split for validation")
    return from_pairs(pairs, config, device, progress)


def split_pairs(pairs: list[MaskPair], config: DataRequest, place: str) -> dict[str, list[MaskPair]]:
    """Return the pairs of a folder without splits as train and test, whole subjects in one of them."""
    subjects = [subject_of(pair.name, config.subject) for pair in pairs] if config.subject else None
    drawn = draw_test(np.zeros(len(pairs), np.int64), group_numbers(subjects), config, place)
    return {split: [pairs[row] for row in rows] for split, rows in zip(("train", "test"), drawn, strict=True)}


def from_pairs(
    pairs: dict[str, list[MaskPair]], config: DataRequest, device: torch.device, progress: ProgressCallback
) -> Loaders:
    """Return the Loaders of pairs of files by split.

    Raises:
        BadImage: the first that cannot be used, unless `skip_bad` leaves it out.
        InputError: the splits do not fit together, or a value of the masks may mean two things.
    """
    read, how = read_splits(pairs, config, progress)
    check_sizes(read)
    check_meanings({meant: file for part in read.values() for meant, file in part.meant.items()})
    grey = all((part.images == part.images[..., :1]).all() for part in read.values())
    raw_splits = {split: make_raw_split(part, grey, config) for split, part in read.items()}
    check_colours(
        {split: one_coloured(each, np.arange(len(each))) for split, each in raw_splits.items()},
        config.background,
    )
    names = tuple(config.classes or TWO)
    train = raw_splits["train"]
    test = raw_splits.get("test", empty_like(train))
    source = RawDataset(train, test, names, raw_splits.get("val"), "segmentation", own=True)
    return replace(assemble(source, config, device), conversion=how)


def check_sizes(read: dict[str, ReadSplit]) -> None:
    """Refuse splits of different sizes."""
    sizes = {split: "x".join(map(str, reversed(part.masks.shape[1:]))) for split, part in read.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{split} {size}" for split, size in sizes.items())
        raise OptionError("image_size", f"not set, and the splits differ in size: {listed}")


def load_resized(
    official: PublishedDataset, config: DataRequest, device: torch.device, progress: ProgressCallback
) -> Loaders:
    """Return the Loaders of a published set whose images have many sizes.

    Raises:
        OptionError: `image_size` does not say which size they shall have.
    """
    if config.image_size is None:
        raise OptionError(
            "image_size", f"not set; the images of '{official.name}' have many sizes, choose such as 128"
        )
    source = load_official(official, config.model_copy(update={"image_size": None}), progress)
    return assemble(source, config, device)
