"""Pictures with masks, read from files: checked, brought to one size together, and refused by name.

Pictures may be grey or colour, of 8 or 16 bits; those of 16 are stretched, each from its darkest to its brightest
pixel, because cameras leave the upper bits empty. A mask holds a class at each pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data.borders import VOID
from skiprun.data.decoding import DEEP, eight_bits
from skiprun.data.opening import open_picture, read_file
from skiprun.data.source import Array, Progress
from skiprun.errors import BadPicture

LOSSY = (".jpg", ".jpeg")
# What files say for the object where there are two classes.
OBJECT = (1, 255, 65535)
# Decoders run beside each other; each may hold a picture of the largest size.
THREADS = 4


@dataclass(frozen=True)
class Pair:
    """The file of a picture and that of its mask."""

    picture: Path
    mask: Path


@dataclass(frozen=True)
class Read:
    """Pictures uint8 [n, H, W, 3] and masks uint8 [n, H, W] that one pair of files gave: one, or its tiles."""

    pictures: Array
    masks: Array


def read_pairs(pairs: Sequence[Pair], config: DataConfig, progress: Progress) -> Iterator[Read | BadPicture]:
    """Yield what each pair of files gives, or why it gives nothing, in order; files are read by several threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        for number, outcome in enumerate(pool.map(partial(attempt, config=config), pairs), 1):
            progress(number, len(pairs), "reading pictures and masks")
            yield outcome


def attempt(pair: Pair, config: DataConfig) -> Read | BadPicture:
    """Return what a pair gives, or why it gives nothing."""
    try:
        return read_pair(pair, config)
    except BadPicture as problem:
        return problem


def read_pair(pair: Pair, config: DataConfig) -> Read:
    """Read a picture and its mask, check them, and bring them to `image_size`.

    Raises:
        BadPicture: with the name of the file that cannot be used, and why.
    """
    picture, mask = read_picture(pair.picture), read_mask(pair.mask, config)
    if picture.shape[:2] != mask.shape:
        sizes = [f"{width}x{height}" for height, width in (mask.shape, picture.shape[:2])]
        raise BadPicture(pair.mask, f"is {sizes[0]}, and its picture {pair.picture} is {sizes[1]}")
    side = config.image_size
    if side is None:
        return Read(picture[None], mask[None])
    return tiles(picture, mask, side) if config.fit == "tile" else resized(picture, mask, side)


def resized(picture: Array, mask: Array, side: int) -> Read:
    """Return both as squares; a mask takes the nearest pixel."""
    size = (side, side)
    both = Image.fromarray(picture).resize(size), Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    return Read(*(np.asarray(each)[None] for each in both))


def tiles(picture: Array, mask: Array, side: int) -> Read:
    """Return both cut into squares that overlap as little as they must; what lies outside of a picture is void."""
    height, width = mask.shape
    pad = (0, max(0, side - height)), (0, max(0, side - width))
    picture, mask = np.pad(picture, (*pad, (0, 0)), mode="edge"), np.pad(mask, pad, constant_values=VOID)
    places = [(row, column) for row in starts(mask.shape[0], side) for column in starts(mask.shape[1], side)]
    cut = [np.stack([each[r : r + side, c : c + side] for r, c in places]) for each in (picture, mask)]
    return Read(cut[0], cut[1])


def starts(length: int, side: int, overlap: int = 0) -> list[int]:
    """Return where squares begin that cover a length, evenly spread, with at least some overlap."""
    number = 1 + math.ceil(max(0, length - side) / (side - overlap))
    return np.linspace(0, max(0, length - side), number).round().astype(int).tolist()


def read_picture(path: Path) -> Array:
    """Return a picture as uint8 [H, W, 3].

    Raises:
        BadPicture: it cannot be read.
    """
    image = open_picture(path, read_file(path))
    if image.mode in DEEP:
        values = np.asarray(image).astype(np.float64)
        low, high = values.min(), values.max()
        image = Image.fromarray(np.rint(255 * (values - low) / max(high - low, 1)).astype(np.uint8))
    return np.asarray(eight_bits(path, image))


def read_mask(path: Path, config: DataConfig) -> Array:
    """Return the class at each pixel, uint8 [H, W], void as 255.

    Raises:
        BadPicture: it cannot be read, has more than one value a pixel, or a value that is no class.
    """
    values = np.asarray(open_picture(path, read_file(path)))
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[2] > 2 else values[..., :1]
        if (colours != colours[..., :1]).any():
            raise BadPicture(path, "is in colour; a mask has one value a pixel, the number of its class")
        values = colours[..., 0]
    if config.classes is None and path.suffix.lower() in LOSSY:
        values = np.where(values > 127, 255, 0)  # lossy files have every value around the two
    return to_classes(values.astype(np.int64), path, config)


def to_classes(values: Array, path: Path, config: DataConfig) -> Array:
    """Return the values of a mask as classes, or refuse the first that is none."""
    void = values == config.ignore_index if config.ignore_index is not None else np.zeros(values.shape, bool)
    classes = np.isin(values, OBJECT).astype(np.int64) if config.classes is None else values
    known = np.isin(values, (0, *OBJECT)) if config.classes is None else (values >= 0) & (values < len(config.classes))
    if not (known | void).all():
        found = ", ".join(map(str, np.unique(values[~(known | void)])[:5]))
        raise BadPicture(path, f"has the value {found}, which is no class; {allowed_values(config)}")
    return np.where(void, VOID, classes).astype(np.uint8)


def allowed_values(config: DataConfig) -> str:
    """Say which values a mask may have."""
    void = "" if config.ignore_index is None else f", and {config.ignore_index} for pixels to ignore"
    if config.classes is None:
        return f"0 and 1 (or 255) are allowed{void}; name more classes with data.classes, or set data.ignore_index"
    return f"data.classes names 0 to {len(config.classes) - 1}{void}"
