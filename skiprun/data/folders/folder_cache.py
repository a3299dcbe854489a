"""The cache of decoded images: uint8 arrays in the user's cache, keyed by the content of the files.

    image_folder/<names, sizes, conversion>-<content>.npy            uint8 [N, H, W, 3], of all splits
                 <names, sizes, conversion>-<content>.moments.npy    int64 [N, 2, 3]
                 <names, sizes, conversion>-<content>.json           sums of the two, and what the images lost
                 index.json                                          what is kept of each folder

Files that are unchanged by name, size and time are not read again. Others are read and compared by content,
so a copy of the folder needs no decoding. Of a folder the latest arrays are kept; those of its earlier
contents and of folders that are gone are deleted when others are made. A folder that another machine has read
may be there alone, so its arrays stay. An array gets its name when it is whole and on the disk; one process
at a time writes, of all machines that share the cache. Before they are used, arrays are compared with their
sums; damaged ones are told, and made again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from skiprun.data.download.place import locked
from skiprun.data.folders.array_names import content_of, key
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoded_arrays import Decoded, build_arrays, open_arrays
from skiprun.data.folders.decoding import square
from skiprun.data.folders.deep_images import Deep, Span
from skiprun.data.folders.folder_index import folder_key, read_folders, remember
from skiprun.data.folders.listing import Listing
from skiprun.data.folders.scanning import digest_all, find_bad, find_span
from skiprun.errors import BadImage
from skiprun.system.cache import cache_folder
from skiprun.system.files import remove_leftovers
from skiprun.system.progress import ProgressCallback


def decoded(
    listing: Listing,
    side: int | None,
    progress: ProgressCallback,
    skip_bad: bool = False,
    fit: str = "crop",
    background: str = "white",
) -> Decoded:
    """Return the decoded images of a folder, from the cache or made now.

    Raises:
        OptionError: the images differ in size, and `image_size` does not say which they shall have.
        BadImage: an image that cannot be used, unless it may be left out.
        StorageError: the cache cannot be written.
    """
    folder = cache_folder() / "image_folder"
    how = Conversion(square(side), fit, background)
    known = _remembered(folder, listing, how, skip_bad)
    if known is None:
        with locked(folder, progress) as reporting:
            remove_leftovers(folder)
            known = _remembered(folder, listing, how, skip_bad) or _made(
                folder, listing, how, skip_bad, reporting
            )
            remember(folder, listing, how, known)
    return known


def _remembered(folder: Path, listing: Listing, how: Conversion, skip_bad: bool) -> Decoded | None:
    """Return the arrays of a folder whose files are unchanged by name, size and time."""
    entry = read_folders(folder).get(folder_key(listing, how))
    if entry is None or entry["files"] != listing.digest(of_times=True) or (entry["bad"] and not skip_bad):
        return None
    bad = [BadImage(listing.root / file, problem) for file, problem in entry["bad"].items()]
    return open_arrays(folder, listing.without(bad), how, entry["content"], bad)


def _made(
    folder: Path, listing: Listing, how: Conversion, skip_bad: bool, progress: ProgressCallback
) -> Decoded:
    """Return arrays of the same content, or decode the images; with `skip_bad`, of those that can be used."""
    try:
        return _compared(folder, listing, how, progress) or build_arrays(folder, listing, how, progress)
    except Deep:
        if how.span is not None:
            raise
        return _made(folder, listing, replace(how, span=_span(listing, progress)), skip_bad, progress)
    except BadImage:
        if not skip_bad:
            raise
    return _made_of_good(folder, listing, how, progress)


def _made_of_good(folder: Path, listing: Listing, how: Conversion, progress: ProgressCallback) -> Decoded:
    """Return arrays of the images that can be used."""
    try:
        bad = find_bad(listing, how, progress)
    except Deep:
        how = replace(how, span=_span(listing, progress))
        bad = find_bad(listing, how, progress)
    rest = listing.without(bad)
    made = _compared(folder, rest, how, progress) or build_arrays(folder, rest, how, progress)
    return replace(made, bad=tuple(bad))


def _span(listing: Listing, progress: ProgressCallback) -> Span:
    """Return the span of the deep images of the first split, which is train; or else of all."""
    first = next(iter(listing.bounds.values()))
    found = find_span(listing.files_of(first), progress) or find_span(listing, progress)
    assert found is not None, "there is a deep image"
    return found


def _compared(folder: Path, listing: Listing, how: Conversion, progress: ProgressCallback) -> Decoded | None:
    """Return the arrays of files of the same content, looked for among those of the same names and sizes."""
    if not list(folder.glob(f"{key(listing, how)}-*.moments.npy")):
        return None
    return open_arrays(folder, listing, how, content_of(digest_all(listing, progress)))
