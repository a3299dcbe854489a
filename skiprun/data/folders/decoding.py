"""Decode images of any format, mode and size to equal uint8 arrays, in several processes.

Small images cost more in Python than in the decoder, so threads would wait for each other: two processes
decode 32x32 WebP files 1.8 times as fast as one, two threads no faster. This module does not import torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.listing import Listing
from skiprun.data.folders.opening import read_file
from skiprun.data.folders.scanning import content_digest, decode, in_blocks
from skiprun.data.notices import notice
from skiprun.data.source import Array, channel_moments
from skiprun.errors import BadImage, grouped
from skiprun.system.progress import ProgressCallback


class SizesDiffer(Exception):
    """An image does not have the size of the first one; the text says so."""


@dataclass(frozen=True)
class DecodedBlock:
    """A run of decoded images: uint8 [n, H, W, 3], their moments, digests of the files, what they lost."""

    images: Array
    moments: Array
    digests: list[bytes]
    tally: Counter[str]


def decode_all(
    listing: Listing, how: Conversion, progress: ProgressCallback
) -> tuple[tuple[int, int, int], Iterator[DecodedBlock]]:
    """Return the common shape [H, W, 3] of all images of a listing, and an iterator over them in order.

    Args:
        listing: which images.
        how: what becomes of each; without a size, all images must have one.
        progress: told of images done.

    Raises:
        BadImage: the first one, or while iterating any one, cannot be used.
    """
    path = listing.root / listing.files[0]
    first = decode(path, read_file(path), how)
    work = partial(decode_block, root=listing.root, how=how, shape=first.shape)
    return first.shape, in_blocks(work, listing, first.nbytes, "decoding images", progress)


def square(side: int | None) -> tuple[int, int] | None:
    """Return width and height of a square."""
    return None if side is None else (side, side)


def leave_out(bad: Sequence[BadImage], total: int) -> None:
    """Say what is left out, and how much of all it is."""
    if bad:
        notice(
            f"Left out {len(bad)} of {total} images:",
            *(f"  {line}" for line in grouped(bad)),
            suspicious=True,
        )


def decode_block(
    files: Sequence[str], root: Path, how: Conversion, shape: tuple[int, int, int]
) -> DecodedBlock:
    """Decode files, which must all come out in one shape."""
    images, digests, tally = np.empty((len(files), *shape), np.uint8), [], Counter[str]()
    for number, file in enumerate(files):
        content = read_file(root / file)
        image = decode(root / file, content, how, tally)
        if image.shape != shape:
            sizes = [f"{width}x{height}" for height, width, _ in (shape, image.shape)]
            raise SizesDiffer(
                f"the images differ in size: the first is {sizes[0]}, {root / file} is {sizes[1]}"
            )
        images[number] = image
        digests.append(content_digest(content))
    return DecodedBlock(images, channel_moments(images), digests, tally)
