"""From splits of the user's own image files with labels to Loaders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.flat import draw_test
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoding import square
from skiprun.data.folders.deep_images import Span
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.remarks import check_colours, one_coloured
from skiprun.data.folds import empty_like
from skiprun.data.loaders import Loaders
from skiprun.data.only_classes import rows_in_use
from skiprun.data.request import DataRequest
from skiprun.data.source import Array, RawDataset, RawSplit
from skiprun.data.subjects import group_numbers, subject_names
from skiprun.data.uses import notice_unused


@dataclass(frozen=True)
class LabelledFiles:
    """Image files that were read.

    Attributes:
        place: where they are, for messages.
        splits: train, test and perhaps val, or all under FLAT.
        content: what tells them from others.
        how: how they became images.
        tally: what they may have lost; see `convert`.
        compared: look for images that are in two splits.
    """

    place: str
    class_names: Sequence[str]
    splits: dict[str, RawSplit]
    content: str
    how: Conversion
    tally: Counter[str]
    compared: bool = True


def conversion_of(config: DataRequest, span: Span | None = None) -> Conversion:
    """Return how images become what a request says."""
    middle = config.image_size if config.resize_size else None
    return Conversion(square(config.stored_size), config.fit or "crop", config.background, span, middle)


def load_labelled(files: LabelledFiles, config: DataRequest, device: torch.device) -> Loaders:
    """Return the Loaders of image files, with a test split taken from them where they have none."""
    splits = files.splits
    content = f"{files.content} {config.stored_size}{conversion_words(files.tally, files.how)}"
    if config.folds:
        notice_unused(config, ["test_fraction"], "data.folds says what is tested")
        splits = {"train": splits[FLAT], "test": empty_like(splits[FLAT])} if FLAT in splits else splits
    elif FLAT in splits:
        splits = split_flat(splits[FLAT], config, files.place)
        content += f" {config.test_fraction} {config.split_seed}"
    else:
        notice_unused(config, ["test_fraction"], f"{files.place} has a test split")
    if "val" in splits and not config.folds:
        notice_unused(config, ["val_fraction", "split_seed"], f"{files.place} has a split for validation")
    plain = {split: one_coloured(each, rows_in_use(each)) for split, each in splits.items()}
    check_colours(plain, config.background)
    source = RawDataset(
        train=splits["train"],
        test=splits["test"],
        val=splits.get("val"),
        class_names=tuple(files.class_names),
        content=content,
        own=files.compared,
    )
    return replace(assemble(source, config, device), conversion=files.how)


def conversion_words(tally: Counter[str], how: Conversion) -> str:
    """Return what of a conversion changed pixels, for the fingerprint; nothing for plain images, cropped."""
    changes = {
        f" {how.fit}": how.fit != "crop",
        f" on {how.background}": tally["transparent"] or how.fit == "pad",
        f" spread from {how.span}": tally["deep"],
    }
    return "".join(words for words, changed in changes.items() if changed)


def split_flat(whole: RawSplit, config: DataRequest, place: str) -> dict[str, RawSplit]:
    """Return a flat set as train and test, stratified by class; the rows of the other have the label -1."""
    groups = group_numbers(subject_names(whole, np.arange(len(whole)), config))
    drawn = draw_test(whole.targets, groups, config, place)
    return {
        name: replace(whole, targets=only(whole.targets, rows))
        for name, rows in zip(("train", "test"), drawn, strict=True)
    }


def only(labels: Array, rows: Array) -> Array:
    """Return the labels of some rows, and -1 for all others."""
    found = np.full_like(labels, -1)
    found[rows] = labels[rows]
    return found
