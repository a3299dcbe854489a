"""The index of the cache of decoded images: which arrays each folder has, and which may be deleted."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NotRequired, TypedDict

from skiprun.data.folders.array_names import conversion_key, key
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoded_arrays import Decoded
from skiprun.data.folders.listing import Listing
from skiprun.system.documents import read_cached, write_sealed
from skiprun.system.files import delete_spare


class Kept(TypedDict):
    """What the index says of a folder: digest of its files, arrays, why images are left out, who read it."""

    root: str
    files: str
    arrays: str
    content: str
    bad: dict[str, str]
    machine: NotRequired[str]


def folder_key(listing: Listing, how: Conversion) -> str:
    """Return what the index knows a folder by."""
    return f"{conversion_key(how)} {listing.root}"


def read_folders(folder: Path) -> dict[str, Kept]:
    """Return what is kept of each folder; nothing if the index is damaged."""
    return read_cached(folder / "index.json", dict[str, Kept]) or {}


def remember(folder: Path, listing: Listing, how: Conversion, found: Decoded) -> None:
    """Note which arrays a folder has now, and delete those that no folder has any more."""
    entry: Kept = {
        "root": str(listing.root),
        "files": listing.digest(of_times=True),
        "arrays": f"{key(found.listing, how)}-{found.content}",
        "content": found.content,
        "bad": {str(each.path.relative_to(listing.root)): each.problem for each in found.bad},
        "machine": platform.node(),
    }
    others = {place: other for place, other in read_folders(folder).items() if _may_be_there(other)}
    index = others | {folder_key(listing, how): entry}
    write_sealed(folder / "index.json", index)
    kept = {"index", *(each["arrays"] for each in index.values())}
    for file in (*folder.glob("*.npy"), *folder.glob("*.json")):
        if file.name.split(".")[0] not in kept:
            delete_spare(file)


def _may_be_there(entry: Kept) -> bool:
    """Tell whether a folder is there, as far as this machine can see."""
    return Path(entry["root"]).is_dir() or entry.get("machine", platform.node()) != platform.node()
