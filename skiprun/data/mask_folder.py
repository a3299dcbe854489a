"""Any folder of pictures with masks: <split>/images/ and <split>/masks/, paired by the names of the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.assemble import RESIDENT_SHARE, assemble, free_bytes
from skiprun.data.borders import with_borders
from skiprun.data.decoding import leave_out
from skiprun.data.loaders import Loaders
from skiprun.data.masks import Pair, Read, read_pairs
from skiprun.data.official import Official, load_official
from skiprun.data.opening import SUFFIXES
from skiprun.data.place import folder_of
from skiprun.data.source import Array, Portion, Progress, Source
from skiprun.data.splits import SPLITS, refuse_other_names
from skiprun.errors import BadPicture, DataNotFound, InputError, OptionError
from skiprun.registry import DATASETS
from skiprun.storage import plain_words

LAYOUT = "It must hold train/images/, train/masks/, the same for test or val or both; a mask has its picture's name."
TWO = ["background", "object"]


@DATASETS.register(
    "mask_folder",
    task="segmentation",
    classes=None,
    shape="any",
    size=None,
    train=None,
    test=None,
    download=None,
    paper=None,
    resizes=True,
)
def mask_folder(config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Your own pictures with masks: data.root holds <split>/images/ and <split>/masks/, paired by name.

    Splits are train, val and test. Without test, val is what is tested on, and validation is taken from train.
    """
    if config.root is None:
        raise OptionError("root", "mask_folder needs the folder of the pictures, such as data.root=~/pictures")
    if config.classes is not None and not 2 <= len(config.classes) <= 255:
        raise OptionError("classes", f"found {len(config.classes)} names; 2 to 255 are allowed")
    pairs = list_pairs(folder_of(config.root), config.skip_bad)
    if "test" not in pairs:
        pairs["test"] = pairs.pop("val")
    return from_pairs(pairs, config, device, progress)


def from_pairs(
    pairs: dict[str, Sequence[Pair]], config: DataConfig, device: torch.device, progress: Progress
) -> Loaders:
    """Return the Loaders of pairs of files by split.

    Raises:
        BadPicture: the first that cannot be used, unless `skip_bad` leaves it out.
    """
    read = {split: read_split(split, each, config, progress) for split, each in pairs.items()}
    check_sizes(read)
    grey = all((each[0] == each[0][..., :1]).all() for each in read.values())
    portions = {split: make_portion(*each, grey, config) for split, each in read.items()}
    names = tuple(config.classes or TWO)
    source = Source(portions["train"], portions["test"], names, portions.get("val"), "segmentation")
    return assemble(source, config, device)


def list_pairs(root: Path, skip_bad: bool) -> dict[str, Sequence[Pair]]:
    """Return the pairs of files of each split that there is, by name.

    Raises:
        DataNotFound: there is no such folder.
        InputError: it is laid out in another way.
        BadPicture: a picture has no mask, unless it may be left out.
    """
    if not root.is_dir():
        raise DataNotFound("mask_folder", root, f"Set data.root to the folder of the pictures. {LAYOUT}")
    with plain_words("read", root):
        refuse_other_names(root)
        splits = [split for split in SPLITS if (root / split).is_dir()]
        if "train" not in splits or len(splits) < 2:
            found = ", ".join(sorted(path.name for path in root.iterdir())[:8]) or "nothing"
            raise InputError(f"{root}: found {found}. {LAYOUT}")
        return {split: list_split(root / split, skip_bad) for split in splits}


def list_split(folder: Path, skip_bad: bool) -> list[Pair]:
    """Return the pairs of one split, sorted by name."""
    pictures, masks = by_stem(folder / "images"), by_stem(folder / "masks")
    if not pictures:
        raise InputError(f"{folder / 'images'} holds no pictures. {LAYOUT}")
    if bare := [path for stem, path in pictures.items() if stem not in masks]:
        others = f", nor have {len(bare) - 1} others" if len(bare) > 1 else ""
        problem = BadPicture(bare[0], f"has no mask in {folder / 'masks'}{others}")
        if not skip_bad:
            raise problem
        leave_out([BadPicture(path, f"has no mask in {folder / 'masks'}") for path in bare], len(pictures))
    return [Pair(path, masks[stem]) for stem, path in pictures.items() if stem in masks]


def by_stem(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their names without endings, sorted."""
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. {LAYOUT}")
    files = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    doubled = [stem for stem, number in Counter(path.stem for path in files).items() if number > 1]
    if doubled:
        raise InputError(f"{folder} holds more than one file called '{doubled[0]}'; names pair pictures with masks.")
    return {path.stem: path for path in sorted(files)}


def read_split(split: str, pairs: Sequence[Pair], config: DataConfig, progress: Progress) -> tuple[Array, Array]:
    """Return pictures [N, H, W, 3] and masks [N, H, W] of a split; what cannot be used is refused or left out."""
    good, bad, room = [], [], RESIDENT_SHARE * free_bytes(torch.device("cpu"))
    shape: tuple[int, ...] | None = None
    for pair, outcome in zip(pairs, read_pairs(pairs, config, progress), strict=True):
        if isinstance(outcome, Read):
            shape = shape or outcome.masks.shape[1:]
            outcome = check_size(outcome, pair, shape)
        if isinstance(outcome, Read):
            good.append(outcome)
            room -= outcome.pictures.nbytes + outcome.masks.nbytes
        elif config.skip_bad:
            bad.append(outcome)
        else:
            raise outcome
        if room < 0:
            raise InputError(f"The pictures of {split} do not fit in memory; make data.image_size smaller.")
    leave_out(bad, len(pairs))
    if not good:
        raise InputError(f"No picture of {split} can be used; the first: {bad[0]}")
    return np.concatenate([each.pictures for each in good]), np.concatenate([each.masks for each in good])


def check_size(read: Read, pair: Pair, shape: tuple[int, ...]) -> Read | BadPicture:
    """Return what was read if it has the size of the first, or what is wrong."""
    if read.masks.shape[1:] == shape:
        return read
    sizes = [f"{width}x{height}" for height, width in (read.masks.shape[1:], shape)]
    return BadPicture(
        pair.picture,
        f"is {sizes[0]}, and the first is {sizes[1]}; set data.image_size, which resizes (or cuts, by fit)",
    )


def check_sizes(read: dict[str, tuple[Array, Array]]) -> None:
    """Refuse splits of different sizes."""
    sizes = {split: "x".join(map(str, reversed(masks.shape[1:]))) for split, (_, masks) in read.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{split} {size}" for split, size in sizes.items())
        raise OptionError("image_size", f"not set, and the splits differ in size: {listed}")


def make_portion(pictures: Array, masks: Array, grey: bool, config: DataConfig) -> Portion:
    """Return a portion; grey pictures have one channel, and masks a plane of border weights if the config asks."""
    kept = np.ascontiguousarray(pictures[..., :1]) if grey else pictures
    return Portion(kept, with_borders(masks) if config.border_weight else masks)


def load_resized(official: Official, config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Return the Loaders of a published set whose pictures have many sizes.

    Raises:
        OptionError: `image_size` does not say which size they shall have.
    """
    if config.image_size is None:
        raise OptionError(
            "image_size", f"not set; the pictures of '{official.name}' have many sizes, choose such as 128"
        )
    source = load_official(official, config.model_copy(update={"image_size": None}), progress)
    return assemble(source, config, device)
