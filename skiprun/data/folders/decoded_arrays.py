"""Decoded images as array files: written atomically, memory-mapped after a check.

Each pair of arrays has a file of the sums of both beside it; see `folder_cache` for the names.
"""

from __future__ import annotations

import io
import math
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from skiprun.data.folders.array_names import content_of, key
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoding import DecodedBlock, SizesDiffer, decode_all
from skiprun.data.folders.deep_images import Span
from skiprun.data.folders.listing import Listing
from skiprun.data.folders.summed_files import Sums, is_whole, summed
from skiprun.data.notices import notice
from skiprun.data.source import Array
from skiprun.errors import BadImage, OptionError, StorageError
from skiprun.system.disk import free_bytes, storage_errors
from skiprun.system.documents import read_cached, write_sealed
from skiprun.system.files import delete_spare, sync_folder, write_stream
from skiprun.system.progress import ProgressCallback

# What is not image: headers, moments, sums.
SPARE_BYTES = 1 << 20


class About(TypedDict):
    """What is kept beside the arrays: their sums, what the images may have lost, and their span."""

    arrays: Sums
    moments: Sums
    tally: dict[str, int]
    span: Span | None


@dataclass(frozen=True)
class Decoded:
    """Arrays of the images of a listing, mapped from the cache, and the digest of their files.

    Attributes:
        tally: what the images may have lost; see `convert`.
        span: the values of deep images that became 0 and 255; None if there are none.
        bad: what was left out of the listing that was asked for.
    """

    listing: Listing
    images: Array
    moments: Array
    content: str
    tally: Counter[str]
    span: Span | None
    bad: tuple[BadImage, ...] = ()


def open_arrays(
    folder: Path, listing: Listing, how: Conversion, content: str, bad: Iterable[BadImage] = ()
) -> Decoded | None:
    """Map the arrays of a content, if they are there and whole; damaged ones are told and deleted."""
    name = f"{key(listing, how)}-{content}"
    arrays, moments, about = (folder / f"{name}{ending}" for ending in (".npy", ".moments.npy", ".json"))
    if not (arrays.exists() or moments.exists()):
        return None
    facts = read_cached(about, About)
    if facts is None or not (is_whole(arrays, facts["arrays"]) and is_whole(moments, facts["moments"])):
        notice(f"{arrays} was damaged; the images are decoded again.")
        for file in (arrays, moments, about):
            delete_spare(file)
        return None
    span = (facts["span"][0], facts["span"][1]) if facts["span"] else None
    mapped = np.load(arrays, mmap_mode="r")
    return Decoded(listing, mapped, np.load(moments), content, Counter(facts["tally"]), span, tuple(bad))


def build_arrays(folder: Path, listing: Listing, how: Conversion, progress: ProgressCallback) -> Decoded:
    """Decode all images into the cache."""
    moments: list[Array] = []
    digests: list[bytes] = []
    tally: Counter[str] = Counter()
    sums: dict[str, Sums] = {"arrays": [], "moments": []}
    # A process that was taken for dead and is not writes to its own.
    unnamed = folder / f"unnamed-{uuid.uuid4().hex}.npy"
    try:
        shape, blocks = decode_all(listing, how, progress)
        _check_room(folder, len(listing.files) * math.prod(shape))
        rows = _array_file((len(listing.files), *shape), _noted(blocks, moments, digests, tally))
        write_stream(unnamed, summed(rows, sums["arrays"]))
    except SizesDiffer as differ:
        raise OptionError(
            "image_size", f"{differ}; say one size for all, such as data.image_size=64"
        ) from None
    content = content_of(digests)
    name = f"{key(listing, how)}-{content}"
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate(moments))
    write_stream(folder / f"{name}.moments.npy", summed([buffer.getbuffer()], sums["moments"]))
    write_sealed(folder / f"{name}.json", {**sums, "tally": tally, "span": how.span})
    with storage_errors("write", folder):
        unnamed.replace(folder / f"{name}.npy")
        sync_folder(folder)
    found = open_arrays(folder, listing, how, content)
    if found is None:
        raise StorageError(
            f"{folder}: what was just written there reads back differently; is the disk sound?"
        )
    return found


def _check_room(folder: Path, size: int) -> None:
    """Refuse to begin what will not fit.

    Raises:
        StorageError: it does not, with place and size.
    """
    needed, free = size + SPARE_BYTES, free_bytes(folder)
    if needed > free:
        raise StorageError(
            f"{folder}: the decoded images need about {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are "
            "free. Make room, choose a folder on another disk with $SKIPRUN_DATA, "
            "or make data.image_size smaller."
        )


def _noted(
    blocks: Iterable[DecodedBlock], moments: list[Array], digests: list[bytes], tally: Counter[str]
) -> Iterator[Array]:
    """Yield the images of blocks, and keep the rest of each."""
    for block in blocks:
        moments.append(block.moments)
        digests.extend(block.digests)
        tally.update(block.tally)
        yield block.images


def _array_file(shape: tuple[int, ...], rows: Iterable[Array]) -> Iterator[memoryview]:
    """Yield the bytes of a .npy file of uint8 whose rows come one after the other."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    yield header.getbuffer()
    for part in rows:
        yield part.data
