"""The pictures of a dataset folder: train, perhaps val, and test, each with the same folders of classes.

Hidden files and folders are passed over, and so are files that are no pictures. Below a class, folders are entered
but links to folders are not, so that no loop is walked. A link that leads nowhere is refused.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from skiprun.data.opening import SUFFIXES
from skiprun.data.source import Array
from skiprun.errors import DataNotFound, InputError
from skiprun.storage import plain_words

SPLITS = ("train", "val", "test")
LAYOUT = "It must hold train/<class>/, test/<class>/ and perhaps val/<class>/, with the pictures of each class."


# Numbers side by side: a list of a million tuples would take 120 MB.
_integers = partial(array, "q")


@dataclass
class Listing:
    """All pictures of a dataset folder, split after split, class after class, by name.

    Attributes:
        files: paths below root.
        sizes: of each file, in bytes.
        times: of each file's last change, in nanoseconds.
        labels: number of each file's class.
        bounds: which of the files make up each split.
    """

    root: Path
    class_names: tuple[str, ...]
    files: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=_integers)
    times: array[int] = field(default_factory=_integers)
    labels: array[int] = field(default_factory=_integers)
    bounds: dict[str, slice] = field(default_factory=dict)

    def targets(self, split: str) -> Array:
        """Return the labels of a split, int64 [N]."""
        return np.array(self.labels[self.bounds[split]], np.int64)

    def without(self, left_out: Collection[Path]) -> Listing:
        """Return the listing without some of its pictures.

        Raises:
            InputError: a class has none left.
        """
        if not left_out:
            return self
        rest = Listing(self.root, self.class_names)
        for split, rows in self.bounds.items():
            start = len(rest.files)
            for row in range(rows.start, rows.stop):
                if self.root / self.files[row] not in left_out:
                    rest.files.append(self.files[row])
                    rest.sizes.append(self.sizes[row])
                    rest.times.append(self.times[row])
                    rest.labels.append(self.labels[row])
            rest.bounds[split] = slice(start, len(rest.files))
            for label in set(range(len(self.class_names))) - set(rest.labels[start:]):
                raise InputError(f"{self.root / split / self.class_names[label]}: none of its pictures can be used.")
        return rest

    def digest(self, of_times: bool) -> str:
        """Return a digest of names and sizes, or of times of change too."""
        digest = blake2b(digest_size=16)
        for file, size, time in zip(self.files, self.sizes, self.times, strict=True):
            digest.update(os.fsencode(f"{file}\0{size}\0{time if of_times else 0}\n"))
        return digest.hexdigest()


def list_pictures(root: Path) -> Listing:
    """Return the pictures of a dataset folder.

    Raises:
        DataNotFound: there is no such folder.
        InputError: it is laid out in another way, by name of what is missing.
    """
    if not root.exists():
        raise DataNotFound("image_folder", root, f"Set data.root to the folder of the pictures. {LAYOUT}")
    if not root.is_dir():
        raise InputError(f"{root} is a file; data.root must be a folder. {LAYOUT}")
    with plain_words("read", root):
        classes = {split: _class_folders(root, split) for split in SPLITS if split != "val" or (root / "val").is_dir()}
        _check_classes(root, classes)
        listing = Listing(root, tuple(classes["train"]))
        for split, folders in classes.items():
            start = len(listing.files)
            for label, folder in enumerate(folders):
                _append(listing, f"{split}/{folder}", label)
            listing.bounds[split] = slice(start, len(listing.files))
    return listing


def _class_folders(root: Path, split: str) -> list[str]:
    """Return the names of a split's class folders, sorted."""
    place = root / split
    if not place.is_dir():
        found = ", ".join(sorted(entry.name for entry in _visible(root))[:8]) or "nothing"
        hint = " Rename val to test; validation is then taken from train." if (root / "val").is_dir() else ""
        raise InputError(f"{root} has no folder '{split}'; found: {found}. {LAYOUT}{hint if split == 'test' else ''}")
    folders = [entry.name for entry in _visible(place) if entry.is_dir() and not _leads_up(place, entry)]
    loose = [entry.name for entry in _visible(place) if _is_picture(entry)]
    if loose:
        raise InputError(f"{place / loose[0]} lies outside of any class folder. {LAYOUT}")
    if not folders:
        raise InputError(f"{place} holds no class folders. {LAYOUT}")
    return sorted(folders)


def _check_classes(root: Path, classes: dict[str, list[str]]) -> None:
    """Refuse splits that do not have the classes of train."""
    for split, folders in classes.items():
        missing = [f"{split}/{name}" for name in sorted(set(classes["train"]) - set(folders))]
        unknown = [f"train/{name}" for name in sorted(set(folders) - set(classes["train"]))]
        if absent := missing + unknown:
            shown = ", ".join(absent[:8]) + (f" and {len(absent) - 8} more" if len(absent) > 8 else "")
            raise InputError(f"{root}: the splits have different classes; there is no {shown}.")


def _append(listing: Listing, folder: str, label: int) -> None:
    """Add the pictures of a class folder to a listing."""
    before = len(listing.files)
    for file, status in _pictures_below(listing.root / folder, folder):
        listing.files.append(file)
        listing.sizes.append(status.st_size)
        listing.times.append(status.st_mtime_ns)
    found = len(listing.files) - before
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        raise InputError(f"{listing.root / folder} holds no pictures ({kinds}). Add some, or remove the class.")
    listing.labels.extend([label] * found)


def _pictures_below(place: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield path and status of all pictures in a folder and in the folders below, by name."""
    for entry in sorted(_visible(place), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _pictures_below(place / entry.name, f"{prefix}/{entry.name}")
        elif _is_picture(entry):
            yield f"{prefix}/{entry.name}", entry.stat()


def _visible(place: Path) -> list[os.DirEntry[str]]:
    """Return what a folder holds, without hidden entries; a link that leads nowhere would be a picture fewer."""
    with os.scandir(place) as entries:
        visible = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in visible:
        if entry.is_symlink() and not (place / entry.name).exists():
            raise InputError(f"{place / entry.name} is a link that leads nowhere. Repair or remove it.")
    return visible


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a file with the ending of a picture."""
    return os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file()  # noqa: PTH122


def _leads_up(place: Path, entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a link to the folder it is in, or to one above."""
    return entry.is_symlink() and (place / entry.name).resolve() in [place.resolve(), *place.resolve().parents]
