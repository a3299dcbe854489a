"""Read the images and masks of one split into memory; unusable pairs are refused or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.borders import with_borders
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoding import leave_out
from skiprun.data.folders.deep_images import Deep
from skiprun.data.folders.masks import Read, read_pairs, span_of_pairs
from skiprun.data.folders.pairs import MaskPair
from skiprun.data.folders.remarks import tell_losses
from skiprun.data.residence import RESIDENT_SHARE, free_memory
from skiprun.data.source import Array, RawSplit
from skiprun.errors import BadImage, InputError, grouped
from skiprun.system.progress import ProgressCallback


@dataclass(frozen=True)
class ReadSplit:
    """What the files of a split gave, one after the other.

    Attributes:
        images, masks, objects: see `Read`, of all.
        files: the name of the image of each image; tiles of one image have one.
        meant: the values that masks take for the object, each with the first file that has them.
    """

    images: Array
    masks: Array
    objects: Array | None
    files: list[str]
    meant: dict[tuple[int, ...], Path]


def read_splits(
    pairs: Mapping[str, Sequence[MaskPair]], config: DataConfig, progress: ProgressCallback
) -> tuple[dict[str, ReadSplit], Conversion]:
    """Return what all splits hold, and how images were read: deep ones by the span of values of train."""
    how = Conversion(fit=config.fit or "resize", background=config.background)
    try:
        return {split: read_split(split, each, config, progress, how) for split, each in pairs.items()}, how
    except Deep:
        every = [pair for each in pairs.values() for pair in each]
        how = replace(how, span=span_of_pairs(pairs["train"], progress) or span_of_pairs(every, progress))
        return {split: read_split(split, each, config, progress, how) for split, each in pairs.items()}, how


def read_split(
    split: str, pairs: Sequence[MaskPair], config: DataConfig, progress: ProgressCallback, how: Conversion
) -> ReadSplit:
    """Read the pairs of a split; what cannot be used is refused or left out.

    Raises:
        Deep: an image needs a span, and the conversion has none.
        BadImage: the first that cannot be used, unless `skip_bad` leaves it out.
        InputError: there is no room, or no pair can be used.
    """
    good: list[tuple[MaskPair, Read]] = []
    bad: list[BadImage] = []
    room = RESIDENT_SHARE * free_memory(torch.device("cpu"))
    shape: tuple[int, ...] | None = None
    for pair, outcome in zip(pairs, read_pairs(pairs, config, how, progress), strict=True):
        if isinstance(outcome, Read):
            shape = shape or outcome.masks.shape[1:]
            outcome = check_size(outcome, pair, shape)
        if isinstance(outcome, Read):
            good.append((pair, outcome))
            room -= outcome.nbytes
        else:
            bad.append(outcome)
        if bad and good and not config.skip_bad:
            raise bad[0]
        if room < 0:
            raise InputError(f"The images of {split} do not fit in memory; make data.image_size smaller.")
    if not good:
        raise InputError(
            "\n".join([f"No image of {split} can be used:", *(f"  {line}" for line in grouped(bad))])
        )
    leave_out(bad, len(pairs))
    tally = sum((read.tally for _, read in good), Counter[str]())
    tell_losses(tally, how, len(good))
    return as_one_split(good)


def as_one_split(good: Sequence[tuple[MaskPair, Read]]) -> ReadSplit:
    """Return what pairs of files gave as one."""
    reads = [read for _, read in good]
    objects = [read.objects for read in reads if read.objects is not None]
    meant: dict[tuple[int, ...], Path] = {}
    for pair, read in good:
        if read.meant:
            meant.setdefault(read.meant, pair.mask)
    return ReadSplit(
        np.concatenate([read.images for read in reads]),
        np.concatenate([read.masks for read in reads]),
        np.concatenate(objects) if objects else None,
        [pair.name for pair, read in good for _ in read.masks],
        meant,
    )


def check_size(read: Read, pair: MaskPair, shape: tuple[int, ...]) -> Read | BadImage:
    """Return what was read if it has the size of the first, or what is wrong."""
    if read.masks.shape[1:] == shape:
        return read
    sizes = [f"{width}x{height}" for height, width in (read.masks.shape[1:], shape)]
    return BadImage(
        pair.image,
        f"is {sizes[0]}, and the first is {sizes[1]}; set data.image_size, which resizes (or cuts, by fit)",
    )


def make_raw_split(part: ReadSplit, grey: bool, config: DataConfig) -> RawSplit:
    """Return a split; grey images have one channel, masks a plane of border weights if the config asks."""
    kept = np.ascontiguousarray(part.images[..., :1]) if grey else part.images
    masks = with_borders(part.masks, part.objects) if config.border_weight else part.masks
    return RawSplit(kept, masks, files=part.files)
