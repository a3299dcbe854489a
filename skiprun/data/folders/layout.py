"""How a dataset folder is laid out: splits and the class folders in them, or class folders alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from skiprun.data.folders.splits import SPLITS
from skiprun.data.folders.walking import Walk
from skiprun.errors import InputError, some

LAYOUT = (
    "It must hold either train/<class>/ and test/<class>/ or val/<class>/ or both, or <class>/ alone, of "
    "whose images data.test_fraction are kept for testing."
)
NEARER_SPLITS = f"{LAYOUT} What is there comes nearest to the former."
NEARER_FLAT = (
    f"{LAYOUT} What is there comes nearest to the latter: images lie in the folders of their classes."
)
# The name of the one set of a folder that has classes and no splits.
FLAT = ""


def class_folders(root: Path, walk: Walk) -> dict[str, list[str]]:
    """Return the names of the class folders of each split; of a folder without splits, those in it."""
    entries = walk.visible(root)
    names = sorted(entry.name for entry in entries)
    there = [split for split in SPLITS if (root / split).is_dir()]
    if not there and any(entry.is_dir() for entry in entries):
        return {FLAT: _flat_folders(root, walk.folders(root, entries, NEARER_FLAT))}
    for split, others in (("train", {"train"}), ("test", {"test", "val"})):
        if not others & {*there}:
            raise InputError(_missing(root, split, names))
    walk.unused.beside = sorted({*names} - {*there})
    classes = {
        split: walk.folders(root / split, walk.visible(root / split), NEARER_SPLITS) for split in there
    }
    for split, folders in classes.items():
        _refuse_masks(root / split, folders)
        if not folders:
            raise InputError(f"{root / split} holds no class folders. {NEARER_SPLITS}")
    return classes


def _refuse_masks(place: Path, folders: Collection[str]) -> None:
    """Refuse images with masks, whose folders are no classes."""
    if {"images", "masks"} <= {*folders}:
        raise InputError(
            f"{place} holds images/ and masks/; they are no classes. See `skiprun datasets`: mask_folder."
        )


def _flat_folders(root: Path, folders: list[str]) -> list[str]:
    """Return the classes of a folder without splits; masks, and splits further down, are refused."""
    _refuse_masks(root, folders)
    for folder in folders:
        below = root / folder
        if (below / "train").is_dir():
            raise InputError(f"{below / 'train'} stands too far down. {NEARER_SPLITS} Set data.root={below}?")
    return folders


def _missing(root: Path, split: str, found: Sequence[str]) -> str:
    """Say that a split is missing, and what may help."""
    hint = ""
    if split == "test":
        hint = (
            f" Or set data.root={root / 'train'}; data.test_fraction of its images are then kept for testing."
        )
    layout = NEARER_SPLITS if {*found} & {*SPLITS} else NEARER_FLAT if found else LAYOUT
    return f"{root} has no folder '{split}'; found: {', '.join(found[:8]) or 'nothing'}. {layout}{hint}"


def check_classes(root: Path, classes: dict[str, list[str]]) -> None:
    """Refuse splits that do not have the classes of train."""
    known = next(iter(classes.values()))
    for split, folders in classes.items():
        missing = [f"{split}/{name}" for name in sorted(set(known) - set(folders))]
        unknown = [f"train/{name}" for name in sorted(set(folders) - set(known))]
        if absent := missing + unknown:
            raise InputError(f"{root}: the splits have different classes; there is no {some(absent, 8)}.")
