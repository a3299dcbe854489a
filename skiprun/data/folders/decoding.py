"""Decode images of any format, mode and size to equal uint8 arrays, in several processes.

Small images cost more in Python than in the decoder, so threads would wait for each other: two processes decode
32x32 WebP files 1.8 times as fast as one, two threads no faster. This module does not import torch.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np

from skiprun.data.folders.conversion import DEEP, Conversion, Deep, Span, convert, span_of, widest
from skiprun.data.folders.listing import Listing
from skiprun.data.folders.opening import open_image, read_file
from skiprun.data.folders.workers import in_order
from skiprun.data.notices import notice
from skiprun.data.source import Array, Progress, moments
from skiprun.errors import BadImage, grouped
from skiprun.system.machine import cores

T = TypeVar("T")

BLOCK_BYTES = 1 << 22
BLOCK_FILES = 256
# Below this many bytes of files the processes would take longer to start than to work.
WORTH_PROCESSES = 1 << 23


class SizesDiffer(Exception):
    """An image does not have the size of the first one; the text says so."""


@dataclass(frozen=True)
class DecodedBlock:
    """A run of decoded images: uint8 [n, H, W, 3], their moments, digests of the files' bytes, what they lost."""

    images: Array
    moments: Array
    digests: list[bytes]
    tally: Counter[str]


def decode_all(
    listing: Listing, how: Conversion, progress: Progress
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
    return first.shape, _in_order(work, listing, first.nbytes, "decoding images", progress)


def square(side: int | None) -> tuple[int, int] | None:
    """Return width and height of a square."""
    return None if side is None else (side, side)


def find_span(listing: Listing, progress: Progress) -> Span | None:
    """Return the least and the greatest value of all deep images of a listing; None if there is none."""
    blocks = _in_order(partial(span_of_block, root=listing.root), listing, 1, "looking for the darkest pixel", progress)
    return widest([span for block in blocks for span in block])


def span_of_block(files: Sequence[str], root: Path) -> list[Span]:
    """Return least and greatest value of each deep image among some files; those that cannot be used have none."""
    spans = []
    for file in files:
        with contextlib.suppress(BadImage):
            image = open_image(root / file, read_file(root / file))
            if image.mode in DEEP:
                spans.append(span_of(root / file, image))
    return spans


def find_bad(listing: Listing, how: Conversion, progress: Progress) -> list[BadImage]:
    """Return what is wrong with each image of a listing that cannot be used."""
    work = partial(bad_of_block, root=listing.root, how=how)
    return [bad for block in _in_order(work, listing, 1, "looking for bad images", progress) for bad in block]


def bad_of_block(files: Sequence[str], root: Path, how: Conversion) -> list[BadImage]:
    """Return what is wrong with each of some files that cannot be used."""
    bad = []
    for file in files:
        try:
            decode(root / file, read_file(root / file), how)
        except Deep:  # usable, by another conversion
            raise
        except BadImage as problem:
            bad.append(problem)
    return bad


def leave_out(bad: Sequence[BadImage], total: int) -> None:
    """Say what is left out, and how much of all it is."""
    if bad:
        notice(f"Left out {len(bad)} of {total} images:", *(f"  {line}" for line in grouped(bad)))


def digest_all(listing: Listing, progress: Progress) -> list[bytes]:
    """Return a digest of the bytes of each file of a listing."""
    blocks = _in_order(partial(digest_block, root=listing.root), listing, 1, "comparing images", progress)
    return [digest for block in blocks for digest in block]


def _in_order(
    work: Callable[[Sequence[str]], T], listing: Listing, bytes_each: int, what: str, progress: Progress
) -> Iterator[T]:
    """Yield what work makes of runs of files, in order, by several processes if that pays."""
    step = max(1, min(BLOCK_FILES, BLOCK_BYTES // bytes_each))
    total = len(listing.files)
    runs = [listing.files[start : start + step] for start in range(0, total, step)]
    enough = sum(listing.sizes) >= WORTH_PROCESSES
    for number, result in enumerate(in_order(work, runs, len(cores()) if enough else 1), 1):
        progress(min(number * step, total), total, what)
        yield result


def decode_block(files: Sequence[str], root: Path, how: Conversion, shape: tuple[int, int, int]) -> DecodedBlock:
    """Decode files, which must all come out in one shape."""
    images, digests, tally = np.empty((len(files), *shape), np.uint8), [], Counter[str]()
    for number, file in enumerate(files):
        content = read_file(root / file)
        image = decode(root / file, content, how, tally)
        if image.shape != shape:
            sizes = [f"{width}x{height}" for height, width, _ in (shape, image.shape)]
            raise SizesDiffer(f"the images differ in size: the first is {sizes[0]}, {root / file} is {sizes[1]}")
        images[number] = image
        digests.append(_digest(content))
    return DecodedBlock(images, moments(images), digests, tally)


def digest_block(files: Sequence[str], root: Path) -> list[bytes]:
    """Return a digest of the bytes of each file."""
    return [_digest(read_file(root / file)) for file in files]


def decode(path: Path, content: bytes, how: Conversion, tally: Counter[str] | None = None) -> Array:
    """Return an image, the right way up, as uint8 [H, W, 3].

    Args:
        path: names the image in messages.
        content: the file's bytes.
        how: what becomes of its size and values.
        tally: counts what it may have lost; see `convert`.

    Raises:
        BadImage: not an image, damaged, or implausibly large.
    """
    return convert(path, open_image(path, content), how, Counter() if tally is None else tally)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
