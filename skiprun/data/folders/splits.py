"""The names of a dataset folder's splits, and common aliases that get a hint."""

from __future__ import annotations

import re
from pathlib import Path

from skiprun.errors import InputError

SPLITS = ("train", "val", "test")
OTHER_NAMES = {
    "train": {"train", "trains", "training", "trainset", "trn"},
    "val": {
        "val",
        "vals",
        "vali",
        "valid",
        "validate",
        "validation",
        "valset",
        "dev",
        "devel",
        "development",
        "eval",
    },
    "test": {"test", "tests", "testing", "testset", "tst"},
}


def split_meant(name: str) -> str | None:
    """Return the split that a folder's name means: 'val' for Valid, validation-2 or dev."""
    letters = re.sub(r"[^a-z]", "", name.casefold())
    return next((split for split, names in OTHER_NAMES.items() if letters in names), None)


def refuse_other_names(root: Path) -> None:
    """Refuse a folder whose name comes near that of a split, and that would not be read.

    Where nothing else looks like a split, the folders are classes, and one of them may be called 'valid'.

    Raises:
        InputError: naming the folder and the name that it should have.
    """
    folders = sorted(path for path in root.iterdir() if path.is_dir() and split_meant(path.name))
    if len({split_meant(path.name) for path in folders}) < 2:
        return
    for folder in folders:
        right = root / str(split_meant(folder.name))
        # A link that leads to the split is read there; so is the split itself where capitals do not matter.
        if not (right.exists() and folder.samefile(right)):
            other = f"Merge it with {right}" if right.exists() else f"Rename it to {right.name}"
            raise InputError(
                f"{folder} would not be read; splits are called {', '.join(SPLITS)}. "
                f"{other}, or move it out of {root} to leave it out."
            )
