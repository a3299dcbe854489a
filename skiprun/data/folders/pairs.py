"""Images and their masks below a folder, paired by name: <split>/images/a/b.jpg and <split>/masks/a/b.png.

The folders may be called otherwise, and there may be no splits: `data.image_dir`, `data.mask_dir`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import DataConfig
from skiprun.data.folders.decoding import leave_out
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.pair_layout import LAYOUT, check_folders, layout_hint
from skiprun.data.folders.splits import SPLITS, refuse_other_names
from skiprun.data.folders.walking import Walk
from skiprun.data.notices import notice
from skiprun.errors import BadImage, DataNotFound, InputError, did_you_mean, some
from skiprun.system.disk import storage_errors


@dataclass(frozen=True)
class MaskPair:
    """The file of an image and that of its mask.

    Attributes:
        name: what tells an image from the others: its path below the folder of the data.
    """

    name: str
    image: Path
    mask: Path


def list_pairs(root: Path, config: DataConfig) -> dict[str, list[MaskPair]]:
    """Return the pairs of files of each split that there is, by name, or of FLAT where there is none.

    What is not used is counted aloud.

    Raises:
        DataNotFound: there is no such folder.
        InputError: it is laid out in another way.
        BadImage: an image has no mask, unless it may be left out.
    """
    if not root.is_dir():
        raise DataNotFound("mask_folder", root, f"Set data.root to the folder of the images. {LAYOUT}")
    check_folders(config)
    with storage_errors("read", root):
        refuse_other_names(root)
        walk = Walk()
        names = {entry.name for entry in walk.visible(root)}
        splits = [split for split in SPLITS if (root / split).is_dir()]
        if not splits and (root / config.image_dir).is_dir():
            splits = [FLAT]
        elif "train" not in splits or len(splits) < 2:
            found = some(sorted(names), 8) or "nothing"
            raise InputError(f"{root}: found {found}. {LAYOUT}{layout_hint(root, names, config.image_dir)}")
        pairs = {split: list_split(root, split, config, walk) for split in splits}
        if splits != [FLAT]:
            walk.unused.beside += sorted(names - {*splits})
        walk.unused.tell(root)
        return pairs


def list_split(root: Path, split: str, config: DataConfig, walk: Walk) -> list[MaskPair]:
    """Return the pairs of one split, sorted by name."""
    suffix = config.mask_suffix or ""
    images = by_name(root, Path(split, config.image_dir), "", walk)
    if config.image_dir == config.mask_dir:
        files = images
        images = {name: file for name, file in files.items() if not name.endswith(suffix)}
        masks = {name.removesuffix(suffix): file for name, file in files.items() if name not in images}
    else:
        masks = by_name(root, Path(split, config.mask_dir), suffix, walk)
        walk.unused.beside += [
            Path(split, entry.name).as_posix()
            for entry in walk.visible(root / split)
            if entry.name not in (config.image_dir, config.mask_dir)
        ]
    if not images:
        raise InputError(f"{root / split / config.image_dir} holds no images. {LAYOUT}")
    bare = [name for name in images if name not in masks]
    left_over = [masks[name] for name in masks if name not in images]
    if bare:
        problem = f"has no mask in {root / split / config.mask_dir}"
        if not config.skip_bad:
            others = f", nor have {len(bare) - 1} others" if len(bare) > 1 else ""
            raise BadImage(root / images[bare[0]], problem + others + likely_cause(images, masks, bare[0]))
        leave_out([BadImage(root / images[name], problem) for name in bare], len(images))
    if left_over:
        notice(
            f"Not used: {len(left_over)} of {len(masks)} masks{' of ' * bool(split)}{split}, which have no "
            f"image: {some(left_over, 4)}."
        )
    return [
        MaskPair(images[name], root / images[name], root / masks[name]) for name in images if name in masks
    ]


def by_name(root: Path, folder: Path, suffix: str, walk: Walk) -> dict[str, str]:
    """Return the images below a folder, sorted: their paths below `root`, by name.

    A name is the path in the folder, without ending and suffix.

    Files whose names lack the suffix keep their whole names, which no image has.
    """
    place = root / folder
    if not place.is_dir():
        there = [entry.name for entry in walk.visible(place.parent)]
        near = did_you_mean(place.name, there) or f" There is {some(there, 8)}."
        raise InputError(f"{place}: there is no such folder.{near} {LAYOUT}")
    found: dict[str, str] = {}
    for walked, _ in walk.images_below(place, folder.as_posix()):
        file = Path(walked).as_posix()
        stem = Path(file).relative_to(folder).with_suffix("").as_posix()
        name = stem.removesuffix(suffix) if stem.endswith(suffix) else f"{stem} without {suffix}"
        if name in found:
            raise InputError(
                f"{place} holds more than one file called '{name}': {found[name]} and {file}; names pair "
                "images with masks."
            )
        found[name] = file
    return dict(sorted(found.items()))


def likely_cause(images: Iterable[str], masks: Collection[str], bare: str) -> str:
    """Return why masks may not have been found, as advice; nothing where no cause is likely."""
    if Path(bare).name in masks:
        return ". A mask lies below masks/ where its image lies below images/"
    longer = [mask.removeprefix(bare) for mask in masks if mask.startswith(bare)]
    suffix = next((each for each in longer if all(f"{name}{each}" in masks for name in images)), "")
    return f". The masks' names end in {suffix}; set data.mask_suffix={suffix}" if suffix else ""
