"""Look at every file of a listing, in several processes: values of deep images, bad images, digests."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.deep_images import DEEP, Deep, Span, span_of, widest
from skiprun.data.folders.listing import Listing
from skiprun.data.folders.opening import open_image, read_file
from skiprun.data.folders.workers import in_order
from skiprun.data.source import Array
from skiprun.errors import BadImage
from skiprun.system.machine import cores
from skiprun.system.progress import ProgressCallback

T = TypeVar("T")
BLOCK_BYTES = 1 << 22
BLOCK_FILES = 256
# Below this many bytes of files the processes would take longer to start than to work.
WORTH_PROCESSES = 1 << 23


def find_span(listing: Listing, progress: ProgressCallback) -> Span | None:
    """Return the least and the greatest value of all deep images of a listing; None if there is none."""
    blocks = in_blocks(
        partial(span_of_block, root=listing.root), listing, 1, "looking for the darkest pixel", progress
    )
    return widest([span for block in blocks for span in block])


def span_of_block(files: Sequence[str], root: Path) -> list[Span]:
    """Return least and greatest value of each deep image; those that cannot be used have none."""
    spans = []
    for file in files:
        with contextlib.suppress(BadImage):
            image = open_image(root / file, read_file(root / file))
            if image.mode in DEEP:
                spans.append(span_of(root / file, image))
    return spans


def find_bad(listing: Listing, how: Conversion, progress: ProgressCallback) -> list[BadImage]:
    """Return what is wrong with each image of a listing that cannot be used."""
    work = partial(bad_of_block, root=listing.root, how=how)
    return [bad for block in in_blocks(work, listing, 1, "looking for bad images", progress) for bad in block]


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


def digest_all(listing: Listing, progress: ProgressCallback) -> list[bytes]:
    """Return a digest of the bytes of each file of a listing."""
    blocks = in_blocks(partial(digest_block, root=listing.root), listing, 1, "comparing images", progress)
    return [digest for block in blocks for digest in block]


def in_blocks(
    work: Callable[[Sequence[str]], T],
    listing: Listing,
    bytes_each: int,
    what: str,
    progress: ProgressCallback,
) -> Iterator[T]:
    """Yield what work makes of runs of files, in order, by several processes if that pays."""
    step = max(1, min(BLOCK_FILES, BLOCK_BYTES // bytes_each))
    total = len(listing.files)
    runs = [listing.files[start : start + step] for start in range(0, total, step)]
    enough = sum(listing.sizes) >= WORTH_PROCESSES
    for number, result in enumerate(in_order(work, runs, len(cores()) if enough else 1), 1):
        progress(min(number * step, total), total, what)
        yield result


def digest_block(files: Sequence[str], root: Path) -> list[bytes]:
    """Return a digest of the bytes of each file."""
    return [content_digest(read_file(root / file)) for file in files]


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


def content_digest(content: bytes) -> bytes:
    """Return 16 bytes that tell the contents of files apart."""
    return blake2b(content, digest_size=16).digest()
