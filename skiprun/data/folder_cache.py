"""Decoded pictures of folders, kept as uint8 arrays in the user's cache, keyed by the content of the files.

    image_folder/<names, sizes, side>-<content>.npy            uint8 [N, H, W, 3], of all splits
                 <names, sizes, side>-<content>.moments.npy    int64 [N, 2, 3]
                 index.json                                    what is kept of each folder

Files that are unchanged by name, size and time are not read again. Others are read and compared by content, so a copy
of the folder needs no decoding. Of a folder the latest arrays are kept; those of its earlier contents and of folders
that are gone are deleted when others are made. An array gets its name when it is whole and on the disk; one process
at a time writes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from skiprun.cache import cache_folder
from skiprun.data.decoding import Block, SizesDiffer, decode_all, digest_all, find_bad
from skiprun.data.listing import Listing
from skiprun.data.place import locked
from skiprun.data.source import Array, Progress
from skiprun.errors import BadPicture, OptionError
from skiprun.storage import delete_spare, plain_words, sync_folder, write_bytes, write_json, write_stream

# Raised when the same files would give other arrays.
VERSION = 1
ENTRY = {"root", "files", "arrays", "content", "bad"}


@dataclass(frozen=True)
class Decoded:
    """Arrays of the pictures of a listing, mapped from the cache, and the digest of their files.

    Attributes:
        bad: what was left out of the listing that was asked for.
    """

    listing: Listing
    pictures: Array
    moments: Array
    content: str
    bad: tuple[BadPicture, ...] = ()


def decoded(listing: Listing, side: int | None, progress: Progress, skip_bad: bool = False) -> Decoded:
    """Return the decoded pictures of a folder, from the cache or made now.

    Raises:
        OptionError: the pictures differ in size, and `image_size` does not say which they shall have.
        BadPicture: a picture that cannot be used, unless it may be left out.
        StorageError: the cache cannot be written.
    """
    folder = cache_folder() / "image_folder"
    known = _remembered(folder, listing, side, skip_bad)
    if known is None:
        with locked(folder, progress):
            known = _remembered(folder, listing, side, skip_bad) or _made(folder, listing, side, skip_bad, progress)
            _remember(folder, listing, side, known)
    return known


def _remembered(folder: Path, listing: Listing, side: int | None, skip_bad: bool) -> Decoded | None:
    """Return the arrays of a folder whose files are unchanged by name, size and time."""
    entry = _index(folder).get(_place(listing, side))
    if entry is None or entry["files"] != listing.digest(of_times=True) or (entry["bad"] and not skip_bad):
        return None
    bad = [BadPicture(listing.root / file, problem) for file, problem in entry["bad"].items()]
    return _open(folder, _without(listing, bad), side, entry["content"], bad)


def _made(folder: Path, listing: Listing, side: int | None, skip_bad: bool, progress: Progress) -> Decoded:
    """Return arrays of the same content, or decode the pictures; with `skip_bad`, of those that can be used."""
    try:
        return _compared(folder, listing, side, progress) or _build(folder, listing, side, progress)
    except BadPicture:
        if not skip_bad:
            raise
    bad = find_bad(listing, side, progress)
    rest = _without(listing, bad)
    made = _compared(folder, rest, side, progress) or _build(folder, rest, side, progress)
    return replace(made, bad=tuple(bad))


def _without(listing: Listing, bad: Iterable[BadPicture]) -> Listing:
    """Return a listing without the pictures that cannot be used."""
    return listing.without({each.path for each in bad})


def _compared(folder: Path, listing: Listing, side: int | None, progress: Progress) -> Decoded | None:
    """Return the arrays of files of the same content, if there are any arrays of files of these names and sizes."""
    if not list(folder.glob(f"{_key(listing, side)}-*.moments.npy")):
        return None
    return _open(folder, listing, side, _content(digest_all(listing, progress)))


def _open(
    folder: Path, listing: Listing, side: int | None, content: str, bad: Iterable[BadPicture] = ()
) -> Decoded | None:
    """Map the arrays of a content, if they are there and whole."""
    name = f"{_key(listing, side)}-{content}"
    try:
        pictures = np.load(folder / f"{name}.npy", mmap_mode="r")
        moments = np.load(folder / f"{name}.moments.npy")
    except (OSError, ValueError, EOFError):
        return None
    whole = len(pictures) == len(moments) == len(listing.files)
    return Decoded(listing, pictures, moments, content, tuple(bad)) if whole else None


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
    name = f"{_key(listing, side)}-{content}"
    buffer = io.BytesIO()
    np.save(buffer, np.concatenate(moments))
    write_bytes(folder / f"{name}.moments.npy", buffer.getvalue())
    with plain_words("write", folder):
        unnamed.replace(folder / f"{name}.npy")
        sync_folder(folder)
    found = _open(folder, listing, side, content)
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


def _key(listing: Listing, side: int | None) -> str:
    """Return a digest of names, sizes and side, which arrays of these pictures begin with."""
    return blake2b(f"{VERSION} {side} {listing.digest(of_times=False)}".encode(), digest_size=16).hexdigest()


def _content(digests: Iterable[bytes]) -> str:
    """Return the digest of a folder's files from the digests of each, in order."""
    return blake2b(b"".join(digests), digest_size=16).hexdigest()


def _place(listing: Listing, side: int | None) -> str:
    """Return what the index knows a folder by."""
    return f"{side} {listing.root}"


def _index(folder: Path) -> dict[str, Any]:
    """Return what is kept of each folder; nothing if the index is damaged."""
    try:
        index = dict(json.loads((folder / "index.json").read_text()))
        return index if all(entry.keys() == ENTRY for entry in index.values()) else {}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(folder: Path, listing: Listing, side: int | None, found: Decoded) -> None:
    """Note which arrays a folder has now, and delete those that no folder has any more."""
    entry = {
        "root": str(listing.root),
        "files": listing.digest(of_times=True),
        "arrays": f"{_key(found.listing, side)}-{found.content}",
        "content": found.content,
        "bad": {str(each.path.relative_to(listing.root)): each.problem for each in found.bad},
    }
    others = {place: other for place, other in _index(folder).items() if Path(other["root"]).is_dir()}
    index = others | {_place(listing, side): entry}
    write_json(folder / "index.json", index)
    kept = {each["arrays"] for each in index.values()}
    for file in folder.glob("*.npy"):
        if file.name.split(".")[0] not in kept:
            delete_spare(file)
