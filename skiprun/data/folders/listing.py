"""List the images of a dataset folder: train, optionally val, and test, each with the same class folders.

A folder that holds the classes themselves is flat: its images are one set, to be split by a seed. Hidden files
and folders are passed over, and so are files that are no images; what is passed over is counted.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from skiprun.data.folders.opening import SUFFIXES
from skiprun.data.folders.splits import SPLITS, refuse_other_names
from skiprun.data.folders.unused import Unused
from skiprun.data.folders.walking import Walk
from skiprun.data.source import Array
from skiprun.errors import DataNotFound, InputError, some
from skiprun.system.disk import plain_words

LAYOUT = (
    "It must hold either train/<class>/, test/<class>/ and perhaps val/<class>/, or <class>/ alone, of whose images "
    "data.test_fraction are kept for testing."
)
NEARER_SPLITS = f"{LAYOUT} What is there comes nearest to the former."
NEARER_FLAT = f"{LAYOUT} What is there comes nearest to the latter: images lie in the folders of their classes."
# The name of the one set of a folder that has classes and no splits.
FLAT = ""


# Numbers side by side: a list of a million tuples would take 120 MB.
_integers = partial(array, "q")


@dataclass
class Listing:
    """All images of a dataset folder, split after split, class after class, by name.

    Attributes:
        files: paths below root.
        sizes: of each file, in bytes.
        times: of each file's last change, in nanoseconds.
        labels: number of each file's class.
        bounds: which of the files make up each split.
        unused: what lies there and is not read.
    """

    root: Path
    class_names: tuple[str, ...]
    files: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=_integers)
    times: array[int] = field(default_factory=_integers)
    labels: array[int] = field(default_factory=_integers)
    bounds: dict[str, slice] = field(default_factory=dict)
    unused: Unused = field(default_factory=Unused)

    def targets(self, split: str) -> Array:
        """Return the labels of a split, int64 [N]."""
        return np.array(self.labels[self.bounds[split]], np.int64)

    def files_of(self, rows: slice) -> Listing:
        """Return the listing of some of its files, to read them; it has no labels and no bounds."""
        return Listing(self.root, self.class_names, self.files[rows], self.sizes[rows], self.times[rows])

    def without(self, left_out: Collection[Path]) -> Listing:
        """Return the listing without some of its images.

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
                raise InputError(f"{self.root / split / self.class_names[label]}: none of its images can be used.")
        return rest

    def digest(self, of_times: bool) -> str:
        """Return a digest of names and sizes, or of times of change too."""
        digest = blake2b(digest_size=16)
        for file, size, time in zip(self.files, self.sizes, self.times, strict=True):
            digest.update(os.fsencode(f"{file}\0{size}\0{time if of_times else 0}\n"))
        return digest.hexdigest()


def list_images(root: Path) -> Listing:
    """Return the images of a dataset folder.

    Raises:
        DataNotFound: there is no such folder.
        InputError: it is laid out in another way, by name of what is missing.
    """
    if not root.exists():
        raise DataNotFound("image_folder", root, f"Set data.root to the folder of the images. {LAYOUT}")
    if not root.is_dir():
        raise InputError(f"{root} is a file; data.root must be a folder. {LAYOUT}")
    with plain_words("read", root):
        refuse_other_names(root)
        walk = Walk()
        classes = _class_folders(root, walk)
        _check_classes(root, classes)
        names = next(iter(classes.values()))
        listing = Listing(root, tuple(names), unused=walk.unused)
        for split, folders in classes.items():
            start = len(listing.files)
            for label, folder in enumerate(folders):
                _append(listing, walk, f"{split}/{folder}" if split else folder, label)
            listing.bounds[split] = slice(start, len(listing.files))
    return listing


def _class_folders(root: Path, walk: Walk) -> dict[str, list[str]]:
    """Return the names of the class folders of each split; of a folder without splits, those in it."""
    entries = walk.visible(root)
    names = sorted(entry.name for entry in entries)
    there = [split for split in SPLITS if (root / split).is_dir()]
    if not there and any(entry.is_dir() for entry in entries):
        return {FLAT: _flat_folders(root, walk.folders(root, entries, NEARER_FLAT))}
    for split in ("train", "test"):
        if split not in there:
            raise InputError(_missing(root, split, names))
    walk.unused.beside = sorted({*names} - {*there})
    classes = {split: walk.folders(root / split, walk.visible(root / split), NEARER_SPLITS) for split in there}
    for split, folders in classes.items():
        _refuse_masks(root / split, folders)
        if not folders:
            raise InputError(f"{root / split} holds no class folders. {NEARER_SPLITS}")
    return classes


def _refuse_masks(place: Path, folders: Collection[str]) -> None:
    """Refuse images with masks, whose folders are no classes."""
    if {"images", "masks"} <= {*folders}:
        raise InputError(f"{place} holds images/ and masks/; they are no classes. See `skiprun datasets`: mask_folder.")


def _flat_folders(root: Path, folders: list[str]) -> list[str]:
    """Return the classes of a folder without splits; refuse what is something else: masks, or splits further down."""
    _refuse_masks(root, folders)
    for folder in folders:
        below = root / folder
        if (below / "train").is_dir():
            raise InputError(f"{below / 'train'} stands too far down. {NEARER_SPLITS} Set data.root={below}?")
    return folders


def _missing(root: Path, split: str, found: Sequence[str]) -> str:
    """Say that a split is missing, and what may help."""
    hint = ""
    if split == "test" and "val" in found:
        hint = " Rename val to test; validation is then taken from train."
    elif split == "test":
        hint = f" Or set data.root={root / 'train'}; data.test_fraction of its images are then kept for testing."
    layout = NEARER_SPLITS if {*found} & {*SPLITS} else NEARER_FLAT if found else LAYOUT
    return f"{root} has no folder '{split}'; found: {', '.join(found[:8]) or 'nothing'}. {layout}{hint}"


def _check_classes(root: Path, classes: dict[str, list[str]]) -> None:
    """Refuse splits that do not have the classes of train."""
    known = next(iter(classes.values()))
    for split, folders in classes.items():
        missing = [f"{split}/{name}" for name in sorted(set(known) - set(folders))]
        unknown = [f"train/{name}" for name in sorted(set(folders) - set(known))]
        if absent := missing + unknown:
            raise InputError(f"{root}: the splits have different classes; there is no {some(absent, 8)}.")


def _append(listing: Listing, walk: Walk, folder: str, label: int) -> None:
    """Add the images of a class folder to a listing."""
    before = len(listing.files)
    for file, status in walk.images_below(listing.root / folder, folder):
        listing.files.append(file)
        listing.sizes.append(status.st_size)
        listing.times.append(status.st_mtime_ns)
    found = len(listing.files) - before
    if not found:
        kinds = " ".join(sorted(SUFFIXES))
        raise InputError(f"{listing.root / folder} holds no images ({kinds}). Add some, or remove the class.")
    listing.labels.extend([label] * found)
