"""Map the values of a mask to classes, void or objects; ambiguous values are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skiprun.config import DataConfig
from skiprun.data.borders import VOID
from skiprun.data.folders.mask_file import read_mask_file
from skiprun.data.source import Array
from skiprun.errors import BadImage, InputError

# What files say for the object where there are two classes.
OBJECT = (1, 255, 65535)


class NoClass(BadImage):
    """A mask with a value that is no class: most likely the config, not the file, is to be mended."""

    advice = "Where this file alone is wrong, mend or remove it, or leave such files out with --skip-bad."


@dataclass(frozen=True)
class Mask:
    """A mask as it was drawn.

    Attributes:
        classes: at each pixel, uint8 [H, W], void as 255.
        orientation: the tag by which it was turned; 1 for none.
        objects: the numbers of the objects, int32 [H, W], 0 outside, where the file says them.
        meant: the values that were taken for the object, where the file leaves open what they mean.
    """

    classes: Array
    orientation: int
    objects: Array | None = None
    meant: tuple[int, ...] = ()


def read_mask(path: Path, config: DataConfig) -> Mask:
    """Return the classes of a mask, and what else its file says.

    Raises:
        BadImage: it cannot be read, may not be what was drawn, or has a value that is no class.
    """
    found = read_mask_file(path, two_classes=config.classes is None or len(config.classes) == 2)
    values = found.values
    void = values == config.ignore_index if config.ignore_index is not None else np.zeros(values.shape, bool)
    if config.instances:
        objects = object_numbers(np.where(void, 0, values)) if config.border_weight else None
        return Mask(np.where(void, VOID, values != 0).astype(np.uint8), found.orientation, objects)
    if config.classes is not None:
        known, classes, meant = (values >= 0) & (values < len(config.classes)), values, []
    else:
        there = {value: (values == value) & ~void for value in OBJECT}
        classes = np.logical_or.reduce([*there.values()])
        known, meant = classes | (values == 0), [value for value, where in there.items() if where.any()]
    if not (known | void).all():
        unknown = np.unique(values[~(known | void)]).tolist()
        listed = ", ".join(map(str, unknown[:5]))
        raise NoClass(path, f"has the value {listed}, which is no class; {allowed_values(config, unknown)}")
    return Mask(
        np.where(void, VOID, classes).astype(np.uint8),
        found.orientation,
        None,
        () if found.one_bit else tuple(meant),
    )


def object_numbers(values: Array) -> Array:
    """Return the numbers of objects as the small ones, int32, with 0 for no object."""
    known = np.union1d(values, 0)
    return np.searchsorted(known, values).astype(np.int32)


def allowed_values(config: DataConfig, unknown: Sequence[int]) -> str:
    """Say which values a mask may have, and which keys allow those that it has."""
    void = "" if config.ignore_index is None else f", and {config.ignore_index} for pixels to ignore"
    if config.classes is None:
        return (
            f"0 and 1 (or 255) are allowed{void}; name more classes with data.classes, set data.ignore_index "
            "for void, or data.instances=true where the values number the objects"
        )
    first, names = unknown[0], config.classes
    listed = " and leave it out of data.classes, which holds names, not values" if str(first) in names else ""
    is_void = (
        f"if {first} is void, set data.ignore_index={first}{listed}; " if config.ignore_index is None else ""
    )
    return (
        f"data.classes names 0 to {len(names) - 1} in order{void}; {is_void}if it is a class of its own, "
        "number the classes 0, 1, 2 ... in the masks and name each; if it means one that is named, "
        "save it as that number"
    )


def check_meanings(meant: Mapping[tuple[int, ...], Path]) -> None:
    """Refuse masks of two classes in which two values may be the object: one of them may be void.

    Args:
        meant: the values that masks take for the object, each with the first file that has them.

    Raises:
        InputError: with two values, files, and what they may mean.
    """
    files = {value: path for values, path in meant.items() for value in values}
    several = [values for values in meant if len(values) > 1]
    # White is 255 in files of eight bits and 65535 in those of sixteen.
    if not several and not (1 in files and len(files) > 1):
        return
    one, other = several[0][:2] if several else (1, max(files))
    raise InputError(
        f"Masks hold both {one} ({files[one]}) and {other} ({files[other]}), and one of them may be no "
        f"object. If {other} is void, as in Pascal VOC, set data.ignore_index={other}. If both are objects, "
        "save masks with one value for them, or set data.instances=true; if they are different classes, "
        "number them 1, 2 ... and name them with data.classes."
    )
