"""Pictures of any format, mode and size, decoded to equal uint8 arrays by several processes.

Small pictures cost more in Python than in the decoder, so threads would wait for each other: two processes decode
32x32 WebP files 1.8 times as fast as one, two threads no faster. This module does not import torch.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from skiprun.data.listing import Listing
from skiprun.data.source import Array, Progress, moments
from skiprun.data.workers import in_order
from skiprun.errors import InputError
from skiprun.machine import cores

T = TypeVar("T")

BLOCK_BYTES = 1 << 22
BLOCK_FILES = 256
# Below this many bytes of files the processes would take longer to start than to work.
WORTH_PROCESSES = 1 << 23
_FORMATS = Image.registered_extensions()
SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


class SizesDiffer(Exception):
    """A picture does not have the size of the first one; the text says so."""


@dataclass(frozen=True)
class Block:
    """A run of decoded pictures: uint8 [n, H, W, 3], their moments, and digests of the files' bytes."""

    pictures: Array
    moments: Array
    digests: list[bytes]


def decode_all(listing: Listing, side: int | None, progress: Progress) -> tuple[tuple[int, int, int], Iterator[Block]]:
    """Return the common shape [H, W, 3] of all pictures of a listing, and an iterator over them in order.

    Args:
        listing: which pictures.
        side: resize to squares of this side; None: all pictures must have one size.
        progress: told of pictures done.
    """
    path = listing.root / listing.files[0]
    first = decode(path, _read(path), side)
    work = partial(decode_block, root=listing.root, side=side, shape=first.shape)
    return first.shape, _in_order(work, listing, first.nbytes, "decoding pictures", progress)


def digest_all(listing: Listing, progress: Progress) -> list[bytes]:
    """Return a digest of the bytes of each file of a listing."""
    blocks = _in_order(partial(digest_block, root=listing.root), listing, 1, "comparing pictures", progress)
    return [digest for block in blocks for digest in block]


def _in_order(
    work: Callable[[Sequence[str]], T], listing: Listing, bytes_each: int, what: str, progress: Progress
) -> Iterator[T]:
    """Yield what work makes of runs of files, in order, by several processes if that pays."""
    step = max(1, min(BLOCK_FILES, BLOCK_BYTES // bytes_each))
    total = len(listing.files)
    runs = [listing.files[start : start + step] for start in range(0, total, step)]
    enough = sum(size for size, _ in listing.stamps) >= WORTH_PROCESSES
    for number, result in enumerate(in_order(work, runs, len(cores()) if enough else 1), 1):
        progress(min(number * step, total), total, what)
        yield result


def decode_block(files: Sequence[str], root: Path, side: int | None, shape: tuple[int, int, int]) -> Block:
    """Decode files, which must all come out in one shape."""
    pictures, digests = np.empty((len(files), *shape), np.uint8), []
    for number, file in enumerate(files):
        content = _read(root / file)
        picture = decode(root / file, content, side)
        if picture.shape != shape:
            sizes = [f"{width}x{height}" for height, width, _ in (shape, picture.shape)]
            raise SizesDiffer(f"the pictures differ in size: the first is {sizes[0]}, {root / file} is {sizes[1]}")
        pictures[number] = picture
        digests.append(_digest(content))
    return Block(pictures, moments(pictures), digests)


def digest_block(files: Sequence[str], root: Path) -> list[bytes]:
    """Return a digest of the bytes of each file."""
    return [_digest(_read(root / file)) for file in files]


def decode(path: Path, content: bytes, side: int | None) -> Array:
    """Return a picture, the right way up, as uint8 [H, W, 3].

    Args:
        path: names the picture in messages.
        content: the file's bytes.
        side: shrink or enlarge the short side to this, and cut the middle out; None: as it is.

    Raises:
        InputError: not a picture, damaged, or implausibly large.
    """
    try:
        with _strict_warnings(), _open(path, content) as image:
            ImageOps.exif_transpose(image, in_place=True)
            fitted = _eight_bits(image) if side is None else ImageOps.fit(_eight_bits(image), (side, side))
            return np.asarray(fitted)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"{path}: too large; {Image.MAX_IMAGE_PIXELS:,} pixels are the limit. Shrink or remove it."
        ) from None
    # Decoders raise what they like at damaged bytes: OSError, SyntaxError, ValueError, struct.error, IndexError ...
    except Exception as error:
        raise InputError(f"{path}: not a readable picture ({error}). Replace or remove it.") from None


def _open(path: Path, content: bytes) -> Image.Image:
    """Open a picture by the format that its name says, or else by any: trying all takes as long as the decoding."""
    try:
        return Image.open(io.BytesIO(content), formats=[_FORMATS[path.suffix.lower()]])
    except UnidentifiedImageError:
        return Image.open(io.BytesIO(content))


@contextlib.contextmanager
def _strict_warnings() -> Iterator[None]:
    """Let a picture that is suspiciously large be an error, and say nothing of odd metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image as RGB; 16 bits keep their upper 8, transparency is dropped."""
    if image.mode == "F":
        raise ValueError("the range of its floating-point pixels is unknown; save it with 8 or 16 bits")
    if image.mode in SIXTEEN_BITS or image.mode == "I":
        image = Image.fromarray((np.asarray(image).clip(0, 65535) >> 8).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
