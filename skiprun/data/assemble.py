"""Build Loaders from decoded images: validation split, statistics, and images on the device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from hashlib import blake2b

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.augmentation.augment import Augment, check_augmentation
from skiprun.data.augmentation.mask_augment import MaskAugment, check_augmentation_task
from skiprun.data.copies import tell_copies
from skiprun.data.folders.remarks import tell_absent
from skiprun.data.folds import in_folds
from skiprun.data.loaders import Loaders
from skiprun.data.only_classes import keep_classes, rows_in_use
from skiprun.data.pixels import Pixels, check_pixels, count_pixels
from skiprun.data.request import DataRequest
from skiprun.data.residence import put_splits
from skiprun.data.source import Array, RawDataset, RawSplit, mean_and_std
from skiprun.data.subjects import draw_part, group_numbers, subject_names, tell_shared
from skiprun.errors import InputError, OptionError, counted


def assemble(
    source: RawDataset, config: DataRequest, device: torch.device, whole_images: bool = True
) -> Loaders:
    """Return the Loaders of a dataset; without `whole_images`, validation is of tiles, drawn one by one.

    Raises:
        OptionError: the validation split would be empty or take all, a batch is larger than the training
            split, or a class is not there.
        InputError: a split of masks on which nothing could be learned or scored.
    """
    source = in_folds(keep_classes(source, config.only_classes), config)
    if len(source.class_names) < 2:
        raise InputError(
            f"Dataset '{config.name}' has one class, {source.class_names[0]}; there must be two or more."
        )
    channels, *stored = source.image_shape
    side = (config.image_size, config.image_size) if config.resize_size and config.image_size else stored
    shape = (channels, side[0], side[1])
    check_augmentation(config.augment, shape)
    check_augmentation_task(config.augment, source.image_shape, source.task)
    train_rows, val_rows = validation_rows(source, config, whole_images)
    if config.batch_size > len(train_rows):
        raise OptionError(
            "batch_size",
            f"found {config.batch_size}, but the training split has {counted(len(train_rows), 'image')}, "
            "which is the largest batch",
        )
    val, test = source.val or source.train, source.test
    parts = {"train": (source.train, train_rows), "val": (val, val_rows), "test": (test, rows_in_use(test))}
    tell_shared(parts, config)
    if source.own:
        tell_copies(parts)
    pixels = pixels_of(source, parts, config) if source.task == "segmentation" else {}
    if source.task == "classification":
        tell_absent(
            {split: raw_split.targets[rows] for split, (raw_split, rows) in parts.items()}, source.class_names
        )
    mean, std = mean_and_std(source.train, train_rows)
    augment: Augment | MaskAugment
    if source.task == "segmentation":
        augment = MaskAugment(config.augment, source.image_shape, mean, std, device)
    else:
        classes = len(source.class_names)
        augment = Augment(config.augment, shape, mean, std, classes, device, (stored[0], stored[1]))
    earlier = partial(assemble, source, config, device, whole_images=False)
    splits = put_splits(source, parts, device)
    return Loaders(
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
        num_classes=len(source.class_names),
        image_shape=shape,
        task=source.task,
        class_names=source.class_names,
        fingerprint=fingerprint(source, val_rows),
        mean=mean,
        std=std,
        device=device,
        augment=augment,
        pixels=pixels,
        files={split: (raw_split.files, rows) for split, (raw_split, rows) in parts.items()},
        legacy_split=earlier if whole_images and by_tile(source, config) else None,
    )


def pixels_of(source: RawDataset, parts: Mapping[str, tuple[RawSplit, Array]], config: DataConfig) -> Pixels:
    """Return the pixels by split and class, of splits on which something can be learned and scored."""
    names = source.class_names
    pixels = {
        split: count_pixels(raw_split.targets, rows, len(names)) for split, (raw_split, rows) in parts.items()
    }
    check_pixels(pixels, names, config.ignore_index, borrowed=source.val is None)
    return pixels


def by_tile(source: RawDataset, config: DataConfig) -> bool:
    """Tell whether earlier versions drew validation tile by tile."""
    return config.fit == "tile" and not config.folds and config.subject is None and source.val is None


def validation_rows(
    source: RawDataset, config: DataRequest, whole_images: bool = True
) -> tuple[Array, Array]:
    """Return the rows of train, and the rows of the validation split in its own data or else in train.

    A set with labels is stratified; one with masks is divided as if it had one class. What shows one image,
    or one subject, stays on one side, and is then drawn as a whole.
    """
    rows = rows_in_use(source.train)
    if source.val is not None:
        return rows, rows_in_use(source.val)
    targets = source.train.targets[rows] if source.train.targets.ndim == 1 else np.zeros(len(rows), np.int64)
    groups = group_numbers(subject_names(source.train, rows, config)) if whole_images else None
    total = len(rows) if groups is None else int(groups.max()) + 1
    what = "subjects" if groups is not None and config.subject else "images"
    if round(config.val_fraction * total) < 1:
        least = 1 / total
        raise OptionError(
            "val_fraction",
            f"found {config.val_fraction:g}, less than one of {total} {what}; use {least:.2g} or more",
        )
    try:
        rest, part = draw_part(targets, groups, config.val_fraction, config.split_seed)
    except ValueError:
        raise OptionError(
            "val_fraction",
            f"found {config.val_fraction:g}, which leaves a class without training images; "
            "use a smaller share",
        ) from None
    return rows[rest], rows[part]


def fingerprint(source: RawDataset, val_rows: Array) -> str:
    """Return a hex digest of contents, class names and split."""
    rows = blake2b(val_rows.astype("<i8").tobytes(), digest_size=16).hexdigest()
    sizes = [len(raw_split) for raw_split in source.splits]
    known = json.dumps([source.digest(), source.class_names, source.task, sizes, rows])
    return blake2b(known.encode(), digest_size=16).hexdigest()
