"""List the images of a dataset folder: train, optionally val, and test, each with the same class folders.

Where there is no test, val is what is tested on, as of ImageNet, whose test labels are not published.
A folder that holds the classes themselves is flat: its images are one set, to be split by a seed. Hidden
files and folders are passed over, and so are files that are no images; what is passed over is counted.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path

import numpy as np

from skiprun.data.folders.layout import LAYOUT, check_classes, class_folders
from skiprun.data.folders.opening import SUFFIXES
from skiprun.data.folders.splits import refuse_other_names
from skiprun.data.folders.unused import Unused
from skiprun.data.folders.walking import Walk
from skiprun.data.source import Array
from skiprun.errors import BadImage, DataNotFound, InputError, grouped
from skiprun.system.disk import storage_errors

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

    def without(self, bad: Iterable[BadImage]) -> Listing:
        """Return the listing without the images that cannot be used.

        Raises:
            InputError: a class has none left.
        """
        left_out = {each.path: each for each in bad}
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
                chosen = (
                    file for file, of in zip(self.files[rows], self.labels[rows], strict=True) if of == label
                )
                lines = grouped([left_out[self.root / file] for file in chosen])
                place = self.files[rows.start].split("/")[0] if split else ""
                folder = self.root / place / self.class_names[label]
                raise InputError("\n  ".join([f"{folder}: none of its images can be used:", *lines]))
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
    with storage_errors("read", root):
        refuse_other_names(root)
        walk = Walk()
        classes = class_folders(root, walk)
        check_classes(root, classes)
        names = next(iter(classes.values()))
        listing = Listing(root, tuple(names), unused=walk.unused)
        for split, folders in classes.items():
            start = len(listing.files)
            for label, folder in enumerate(folders):
                _append(listing, walk, f"{split}/{folder}" if split else folder, label)
            meant = "test" if split == "val" and "test" not in classes else split
            listing.bounds[meant] = slice(start, len(listing.files))
    return listing


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
