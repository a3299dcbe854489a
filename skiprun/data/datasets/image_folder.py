"""Any folder of images: train/<class>/, val/<class>/ and test/<class>/, decoded once into the cache.

Where val or test is not there, the other one is tested on, and validation is taken from train. A folder of
nothing but classes is split by `test_fraction` and `seeds.split`.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.download.place import folder_of
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoding import leave_out, square
from skiprun.data.folders.folder_cache import decoded
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.listing import list_images
from skiprun.data.folders.remarks import check_colours, one_coloured, tell_losses
from skiprun.data.loaders import Loaders
from skiprun.data.notices import notice
from skiprun.data.only_classes import rows_in_use
from skiprun.data.request import DataRequest
from skiprun.data.source import Array, RawDataset, RawSplit
from skiprun.data.subjects import draw_part, group_numbers, subject_names
from skiprun.data.uses import notice_unused
from skiprun.errors import InputError, OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback


@DATASETS.register("image_folder", shape="3 x any", resizes=True)
def image_folder(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Your own images: data.root holds train/<class>/ and test/<class>/ or val/ or both, or just <class>/."""
    if config.root is None:
        raise OptionError("root", "image_folder needs the folder of the images, such as data.root=~/images")
    listing = list_images(folder_of(config.root))
    if len(listing.class_names) < 2:
        raise InputError(
            f"{listing.root} has one class, {listing.class_names[0]}; add a folder for each other class."
        )
    fit = config.fit or "crop"
    cached = decoded(listing, config.stored_size, progress, config.skip_bad, fit, config.background)
    middle = config.image_size if config.resize_size else None
    how = Conversion(square(config.stored_size), fit, config.background, cached.span, middle)
    listing.unused.tell(listing.root)
    leave_out(cached.bad, len(listing.files))
    listing = cached.listing
    tell_losses(cached.tally, how, len(listing.files))
    raw_splits = {
        split: RawSplit(
            cached.images[rows], listing.targets(split), cached.moments[rows], listing.files[rows]
        )
        for split, rows in listing.bounds.items()
    }
    content = (
        f"{cached.content} {listing.digest(of_times=False)} {config.stored_size}{words_of(cached.tally, how)}"
    )
    if FLAT in raw_splits:
        raw_splits = split_flat(raw_splits[FLAT], config)
        content += f" {config.test_fraction} {config.split_seed}"
        tested = len(rows_in_use(raw_splits["test"]))
        notice(
            f"No splits in {listing.root}: {tested:,} of {len(listing.files):,} images are kept for testing."
        )
    else:
        notice_unused(config, ["test_fraction"], f"{listing.root} has a test split")
    if "val" in raw_splits:
        notice_unused(config, ["val_fraction", "split_seed"], f"{listing.root} has a split for validation")
    pixels = math.prod(cached.images.shape[1:3])
    plain = {
        split: one_coloured(each.moments, pixels)[rows_in_use(each)] for split, each in raw_splits.items()
    }
    check_colours(plain, config.background)
    source = RawDataset(
        train=raw_splits["train"],
        test=raw_splits["test"],
        val=raw_splits.get("val"),
        class_names=listing.class_names,
        content=content,
        own=True,
    )
    return replace(assemble(source, config, device), conversion=how)


def words_of(tally: Counter[str], how: Conversion) -> str:
    """Return what of a conversion changed pixels, for the fingerprint; nothing for plain images, cropped."""
    changes = {
        f" {how.fit}": how.fit != "crop",
        f" on {how.background}": tally["transparent"] or how.fit == "pad",
        f" spread from {how.span}": tally["deep"],
    }
    return "".join(words for words, changed in changes.items() if changed)


def split_flat(whole: RawSplit, config: DataRequest) -> dict[str, RawSplit]:
    """Return a flat set as train and test, stratified by class; the rows of the other have the label -1.

    Raises:
        OptionError: the test split would be empty, or leave a class without images to train on.
    """
    try:
        groups = group_numbers(subject_names(whole, np.arange(len(whole)), config))
        rest, part = draw_part(whole.targets, groups, config.test_fraction, config.split_seed)
    except ValueError:
        part = rest = np.arange(0)
    if not len(part):
        raise OptionError(
            "test_fraction",
            f"found {config.test_fraction:g}; of {len(whole)} images that leaves none to test on, or a class "
            "none to train on; choose another share",
        )
    return {
        name: replace(whole, targets=only(whole.targets, rows))
        for name, rows in (("train", rest), ("test", part))
    }


def only(labels: Array, rows: Array) -> Array:
    """Return the labels of some rows, and -1 for all others."""
    found = np.full_like(labels, -1)
    found[rows] = labels[rows]
    return found
