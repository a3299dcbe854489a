"""Any folder of pictures with masks: <split>/images/ and <split>/masks/, paired by the names of the files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.assemble import RESIDENT_SHARE, assemble, free_bytes
from skiprun.data.borders import with_borders
from skiprun.data.decoding import leave_out
from skiprun.data.loaders import Loaders
from skiprun.data.mask_classes import check_meanings
from skiprun.data.masks import Read, read_pairs
from skiprun.data.official import Official, load_official
from skiprun.data.pairs import Pair, list_pairs
from skiprun.data.place import folder_of
from skiprun.data.remarks import check_colours
from skiprun.data.source import Array, Portion, Progress, Source
from skiprun.errors import BadPicture, InputError, OptionError
from skiprun.registry import DATASETS

TWO = ["background", "object"]


@DATASETS.register(
    "mask_folder",
    task="segmentation",
    classes=None,
    shape="any",
    size=None,
    train=None,
    test=None,
    download=None,
    paper=None,
    resizes=True,
)
def mask_folder(config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Your own pictures with masks: data.root holds <split>/images/ and <split>/masks/, paired by name.

    Splits are train, val and test. Without test, val is what is tested on, and validation is taken from train.
    """
    if config.root is None:
        raise OptionError("root", "mask_folder needs the folder of the pictures, such as data.root=~/pictures")
    if config.classes is not None and not 2 <= len(config.classes) <= 255:
        raise OptionError("classes", f"found {len(config.classes)} names; 2 to 255 are allowed")
    pairs = list_pairs(folder_of(config.root), config)
    if "test" not in pairs:
        pairs["test"] = pairs.pop("val")
    return from_pairs(pairs, config, device, progress)


def from_pairs(pairs: dict[str, list[Pair]], config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Return the Loaders of pairs of files by split.

    Raises:
        BadPicture: the first that cannot be used, unless `skip_bad` leaves it out.
        InputError: the splits do not fit together, or a value of the masks may mean two things.
    """
    read = {split: read_split(split, each, config, progress) for split, each in pairs.items()}
    check_sizes(read)
    check_meanings({meant: file for part in read.values() for meant, file in part.meant.items()})
    grey = all((part.pictures[0] == part.pictures[0][..., :1]).all() for part in read.values())
    portions = {split: make_portion(part, grey, config) for split, part in read.items()}
    moments = {split: portion.moments for split, portion in portions.items()}
    check_colours(moments, math.prod(portions["train"].pictures.shape[1:3]), config.background)
    names = tuple(config.classes or TWO)
    source = Source(portions["train"], portions["test"], names, portions.get("val"), "segmentation")
    return assemble(source, config, device)


@dataclass(frozen=True)
class ReadSplit:
    """What the files of a split gave, one after the other.

    Attributes:
        pictures, masks, objects: see `Read`, of all.
        files: the name of the image of each picture; tiles of one image have one.
        meant: the values that masks take for the object, each with the first file that has them.
    """

    pictures: Array
    masks: Array
    objects: Array | None
    files: list[str]
    meant: dict[tuple[int, ...], Path]


def read_split(split: str, pairs: Sequence[Pair], config: DataConfig, progress: Progress) -> ReadSplit:
    """Read the pairs of a split; what cannot be used is refused or left out."""
    good: list[tuple[Pair, Read]] = []
    bad, room = [], RESIDENT_SHARE * free_bytes(torch.device("cpu"))
    shape: tuple[int, ...] | None = None
    for pair, outcome in zip(pairs, read_pairs(pairs, config, progress), strict=True):
        if isinstance(outcome, Read):
            shape = shape or outcome.masks.shape[1:]
            outcome = check_size(outcome, pair, shape)
        if isinstance(outcome, Read):
            good.append((pair, outcome))
            room -= outcome.nbytes
        elif config.skip_bad:
            bad.append(outcome)
        else:
            raise outcome
        if room < 0:
            raise InputError(f"The pictures of {split} do not fit in memory; make data.image_size smaller.")
    leave_out(bad, len(pairs))
    if not good:
        raise InputError(f"No picture of {split} can be used; the first: {bad[0]}")
    return joined(good)


def joined(good: Sequence[tuple[Pair, Read]]) -> ReadSplit:
    """Return what pairs of files gave as one."""
    reads = [read for _, read in good]
    objects = [read.objects for read in reads if read.objects is not None]
    meant: dict[tuple[int, ...], Path] = {}
    for pair, read in good:
        if read.meant:
            meant.setdefault(read.meant, pair.mask)
    return ReadSplit(
        np.concatenate([read.pictures for read in reads]),
        np.concatenate([read.masks for read in reads]),
        np.concatenate(objects) if objects else None,
        [pair.name for pair, read in good for _ in read.masks],
        meant,
    )


def check_size(read: Read, pair: Pair, shape: tuple[int, ...]) -> Read | BadPicture:
    """Return what was read if it has the size of the first, or what is wrong."""
    if read.masks.shape[1:] == shape:
        return read
    sizes = [f"{width}x{height}" for height, width in (read.masks.shape[1:], shape)]
    return BadPicture(
        pair.picture,
        f"is {sizes[0]}, and the first is {sizes[1]}; set data.image_size, which resizes (or cuts, by fit)",
    )


def check_sizes(read: dict[str, ReadSplit]) -> None:
    """Refuse splits of different sizes."""
    sizes = {split: "x".join(map(str, reversed(part.masks.shape[1:]))) for split, part in read.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{split} {size}" for split, size in sizes.items())
        raise OptionError("image_size", f"not set, and the splits differ in size: {listed}")


def make_portion(part: ReadSplit, grey: bool, config: DataConfig) -> Portion:
    """Return a portion; grey pictures have one channel, and masks a plane of border weights if the config asks."""
    kept = np.ascontiguousarray(part.pictures[..., :1]) if grey else part.pictures
    masks = with_borders(part.masks, part.objects) if config.border_weight else part.masks
    return Portion(kept, masks, files=part.files)


def load_resized(official: Official, config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Return the Loaders of a published set whose pictures have many sizes.

    Raises:
        OptionError: `image_size` does not say which size they shall have.
    """
    if config.image_size is None:
        raise OptionError(
            "image_size", f"not set; the pictures of '{official.name}' have many sizes, choose such as 128"
        )
    source = load_official(official, config.model_copy(update={"image_size": None}), progress)
    return assemble(source, config, device)
