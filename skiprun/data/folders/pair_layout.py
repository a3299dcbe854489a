"""How folders of images and masks are laid out, and what would make another layout right."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from skiprun.config import DataConfig
from skiprun.data.folders.splits import SPLITS
from skiprun.errors import OptionError

LAYOUT = (
    "It must hold either train/images/, train/masks/, the same for test or val or both, or images/ and "
    "masks/ alone, of which data.test_fraction are kept for testing; a mask has its image's name. "
    "Folders may be called otherwise: data.image_dir, data.mask_dir."
)


def check_folders(config: DataConfig) -> None:
    """Refuse folders of images and masks that are not two beside each other, or one whose masks are named.

    Raises:
        OptionError: `image_dir` or `mask_dir`, with what is wrong.
    """
    for key in ("image_dir", "mask_dir"):
        found = getattr(config, key)
        if found != "." and (found == ".." or Path(found).name != found):
            raise OptionError(key, f"found '{found}'; it is the name of a folder, or '.' for the split's own")
    one = config.image_dir == config.mask_dir
    if "." in (config.image_dir, config.mask_dir) and not one:
        raise OptionError("mask_dir", "found one of image_dir and mask_dir to be '.': both are, or neither")
    if one and not config.mask_suffix:
        raise OptionError(
            "mask_suffix", "not set, and images and masks lie in one folder: it tells them apart, as _mask"
        )


def layout_hint(root: Path, names: Collection[str], images: str) -> str:
    """Say what would make the layout right, by what a folder holds; nothing where that is not known."""
    if "train" in names:
        return " There is train, and what to test on is missing: move a part of it into test/."
    if {*SPLITS} & {*names}:
        return " What is there lacks train."
    for name in sorted(names):
        if (root / name / "train" / images).is_dir() or (root / name / images).is_dir():
            return f" Set data.root={root / name}?"
    return ""
