"""Decoded pictures of a folder, kept as one uint8 array in the user's cache, keyed by the content of the files.

    image_folder/<names, sizes, side>/<content>.npy            uint8 [N, H, W, 3], of all splits
                                      <content>.moments.npy    int64 [N, 2, 3]
                                      listings.json            names, sizes and times of change -> content

Files that are unchanged by name, size and time are not read again. Others are read and compared by content, so a copy
of the folder needs no decoding. An array gets its name when it is whole and on the disk; a killed build leaves a
temporary file, which the next one replaces.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from skiprun.data.decoding import Block, SizesDiffer, decode_all, digest_all
from skiprun.data.listing import Listing
from skiprun.data.place import cache_folder, locked
from skiprun.data.source import Array, Progress
from skiprun.errors import OptionError
from skiprun.storage import plain_words, sync_folder, write_bytes, write_json, write_stream

# Raised when the same files would give other arrays.
VERSION = 1


@dataclass(frozen=True)
class Decoded:
    """Arrays of all pictures of a listing, mapped from the cache, and the digest of their files."""

    pictures: Array
    moments: Array
    content: str


def decoded(listing: Listing, side: int | None, progress: Progress) -> Decoded:
    """Return the decoded pictures of a folder, from the cache or made now.

    Raises:
        OptionError: the pictures differ in size, and `image_size` does not say which they shall have.
        InputError: a picture that cannot be used, by name.
        StorageError: the cache cannot be written.
    """
    named = blake2b(f"{VERSION} {side} {listing.digest(of_times=False)}".encode(), digest_size=16).hexdigest()
    folder = cache_folder() / "image_folder" / named
    known = _remembered(folder, listing)
    if known is None:
        with locked(folder, progress):
            known = _remembered(folder, listing) or _compared(folder, listing, progress)
            known = known or _build(folder, listing, side, progress)
            _remember(folder, listing, known.content)
    return known


def _remembered(folder: Path, listing: Listing) -> Decoded | None:
    """Return the arrays of files that are unchanged by name, size and time."""
    content = _listings(folder).get(listing.digest(of_times=True))
    return _open(folder, content, len(listing.files)) if content else None


def _compared(folder: Path, listing: Listing, progress: Progress) -> Decoded | None:
    """Return the arrays of files of the same content, if there are any arrays of files of these names and sizes."""
    if not list(folder.glob("*.moments.npy")):
        return None
    return _open(folder, _content(digest_all(listing, progress)), len(listing.files))


def _open(folder: Path, content: str, count: int) -> Decoded | None:
    """Map the arrays of a content, if they are there and whole."""
    try:
        pictures = np.load(folder / f"{content}.npy", mmap_mode="r")
        moments = np.load(folder / f"{content}.moments.npy")
    except (OSError, ValueError, EOFError):
        return None
    return Decoded(pictures, moments, content) if len(pictures) == len(moments) == count else None


def _build(folder: Path, listing: Listing, side: int | None, progress: Progress) -> Decoded:
    """Decode all pictures into the cache."""
    moments: list[Array] = []
    digests: list[bytes] = []
    unnamed = folder / "unnamed.npy"
    try:
        shape, blocks = decode_all(listing, side, progress)
        write_stream(unnamed, _array_file((len(listing.files), *shape), _noted(blocks, moments, digests)))
    except SizesDiffer as differ:
        raise OptionError("image_size", f"{differ}; say one size for all, such as data.image_size=64") from None
    content = _content(digests)
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate(moments))
    write_bytes(folder / f"{content}.moments.npy", buffer.getvalue())
    with plain_words("write", folder):
        unnamed.replace(folder / f"{content}.npy")
        sync_folder(folder)
    found = _open(folder, content, len(listing.files))
    assert found is not None, "what was just written can be opened"
    return found


def _noted(blocks: Iterable[Block], moments: list[Array], digests: list[bytes]) -> Iterator[Array]:
    """Yield the pictures of blocks, and keep the rest of each."""
    for block in blocks:
        moments.append(block.moments)
        digests.extend(block.digests)
        yield block.pictures


def _array_file(shape: tuple[int, ...], rows: Iterable[Array]) -> Iterator[memoryview]:
    """Yield the bytes of a .npy file of uint8 whose rows come one after the other."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    yield header.getbuffer()
    for part in rows:
        yield part.data


def _content(digests: Iterable[bytes]) -> str:
    """Return the digest of a folder's files from the digests of each, in order."""
    return blake2b(b"".join(digests), digest_size=16).hexdigest()


def _listings(folder: Path) -> dict[str, str]:
    """Return which content each known listing has."""
    try:
        return dict(json.loads((folder / "listings.json").read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _remember(folder: Path, listing: Listing, content: str) -> None:
    """Note that files of these names, sizes and times have this content."""
    write_json(folder / "listings.json", _listings(folder) | {listing.digest(of_times=True): content})
