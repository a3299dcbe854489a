"""Read one image with its mask: check both, resize or tile them together, and name the file in errors.

Images may be grey or colour, of 8 bits or deeper (see `conversion`). A mask holds a class at each pixel.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data.borders import VOID
from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.deep_images import Deep, Span, widest
from skiprun.data.folders.mask_classes import read_mask
from skiprun.data.folders.opening import ORIENTATION, open_image, read_file
from skiprun.data.folders.orientation import OrientedFile, check_orientation
from skiprun.data.folders.pairs import MaskPair
from skiprun.data.folders.scanning import span_of_block
from skiprun.data.source import Array
from skiprun.errors import BadImage
from skiprun.system.progress import ProgressCallback

# Decoders run beside each other; each may hold an image of the largest size.
THREADS = 4


@dataclass(frozen=True)
class Read:
    """What one pair of files gave: one image, or its tiles.

    Attributes:
        images: uint8 [n, H, W, 3].
        masks: uint8 [n, H, W].
        objects: int32 [n, H, W], where the masks number the objects.
        meant: see `skiprun.data.folders.mask_classes.Mask`.
        tally: what reading took from the image, see `skiprun.data.folders.conversion.convert`.
    """

    images: Array
    masks: Array
    objects: Array | None
    meant: tuple[int, ...]
    tally: Counter[str]

    @property
    def nbytes(self) -> int:
        """What it takes of the memory."""
        return self.images.nbytes + self.masks.nbytes + (0 if self.objects is None else self.objects.nbytes)


def read_pairs(
    pairs: Sequence[MaskPair], config: DataConfig, how: Conversion, progress: ProgressCallback
) -> Iterator[Read | BadImage]:
    """Yield in order what each pair of files gives, or why it gives nothing; several threads read.

    Raises:
        Deep: an image needs a span, and the conversion has none.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        for number, outcome in enumerate(pool.map(partial(attempt, config=config, how=how), pairs), 1):
            progress(number, len(pairs), "reading images and masks")
            yield outcome


def span_of_pairs(pairs: Sequence[MaskPair], progress: ProgressCallback) -> Span | None:
    """Return the least and the greatest value of all deep images of some pairs; None if there is none."""
    found: list[Span] = []
    with ThreadPoolExecutor(THREADS) as pool:
        files = [(str(pair.image),) for pair in pairs]
        for number, spans in enumerate(pool.map(partial(span_of_block, root=Path()), files), 1):
            progress(number, len(pairs), "looking for the darkest pixel")
            found += spans
    return widest(found)


def attempt(pair: MaskPair, config: DataConfig, how: Conversion) -> Read | BadImage:
    """Return what a pair gives, or why it gives nothing."""
    try:
        return read_pair(pair, config, how)
    except Deep:  # usable, by another conversion
        raise
    except BadImage as problem:
        return problem


def read_pair(pair: MaskPair, config: DataConfig, how: Conversion) -> Read:
    """Read an image and its mask, check them, and bring them to `image_size`.

    Raises:
        BadImage: with the name of the file that cannot be used, and why.
    """
    tally: Counter[str] = Counter()
    opened, mask = open_image(pair.image, read_file(pair.image)), read_mask(pair.mask, config)
    image = convert(pair.image, opened, how, tally)
    check_orientation(
        OrientedFile(pair.image, image.shape[:2], opened.info[ORIENTATION]),
        OrientedFile(pair.mask, mask.classes.shape, mask.orientation),
    )
    if image.shape[:2] != mask.classes.shape:
        sizes = [f"{width}x{height}" for height, width in (mask.classes.shape, image.shape[:2])]
        raise BadImage(pair.mask, f"is {sizes[0]}, and its image {pair.image} is {sizes[1]}")
    planes = [image, mask.classes, *([] if mask.objects is None else [mask.objects])]
    side = config.image_size
    if side is None:
        planes = [plane[None] for plane in planes]
    else:
        planes = tiles(planes, side) if config.fit == "tile" else resized(planes, side)
    return Read(planes[0], planes[1], None if mask.objects is None else planes[2], mask.meant, tally)


def resized(planes: Sequence[Array], side: int) -> list[Array]:
    """Return an image and the planes of its mask as squares; masks take the nearest pixel."""
    image, *masks = map(Image.fromarray, planes)
    size = (side, side)
    both = [image.resize(size), *(mask.resize(size, Image.Resampling.NEAREST) for mask in masks)]
    return [np.asarray(each)[None] for each in both]


def tiles(planes: Sequence[Array], side: int) -> list[Array]:
    """Return an image and the planes of its mask cut into squares that overlap as little as they must.

    What lies outside of an image is void, and no object.
    """
    height, width = planes[0].shape[:2]
    pad = (0, max(0, side - height)), (0, max(0, side - width))
    whole = [np.pad(planes[0], (*pad, (0, 0)), mode="edge")]
    whole += [
        np.pad(plane, pad, constant_values=fill) for plane, fill in zip(planes[1:], (VOID, 0), strict=False)
    ]
    places = [(r, c) for r in starts(whole[0].shape[0], side) for c in starts(whole[0].shape[1], side)]
    return [np.stack([each[r : r + side, c : c + side] for r, c in places]) for each in whole]


def starts(length: int, side: int, overlap: int = 0) -> list[int]:
    """Return where squares begin that cover a length, evenly spread, with at least some overlap."""
    number = 1 + math.ceil(max(0, length - side) / (side - overlap))
    return np.linspace(0, max(0, length - side), number).round().astype(int).tolist()
