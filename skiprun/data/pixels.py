"""Count the pixels of each class in each split; refuse splits on which nothing could be learned or scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skiprun.data.borders import VOID
from skiprun.data.source import Array
from skiprun.errors import InputError

# By split: the pixels of each class, and those of void last.
Pixels = Mapping[str, tuple[int, ...]]
# Classes that a message names.
MAX_NAMES = 8


def count_pixels(targets: Array, rows: Array, classes: int) -> tuple[int, ...]:
    """Return the pixels of each class and of void, in some rows of masks uint8 [N, H, W], or [N, 2, H, W].

    Raises:
        InputError: a value is no class.
    """
    masks = targets[:, 0] if targets.ndim == 4 else targets
    found = np.zeros(VOID + 1, np.int64)
    for row in rows:  # one after the other: bincount takes eight bytes a pixel
        found += np.bincount(masks[row].ravel(), minlength=VOID + 1)
    if len(unknown := np.flatnonzero(found[classes:VOID])):
        raise InputError(f"The masks have the value {classes + unknown[0]}, and there are {classes} classes.")
    return (*found[:classes].tolist(), int(found[VOID]))


def check_pixels(pixels: Pixels, names: Sequence[str], ignored: int | None, borrowed: bool) -> None:
    """Refuse splits that lack a class, or that hold one class alone.

    Args:
        pixels: of every split.
        names: of the classes, the background first.
        ignored: the mask value that was set to be void, if any.
        borrowed: whether the validation split was taken from train.

    Raises:
        InputError: with the split, what it holds, and what may help.
    """
    for split, (*found, void) in pixels.items():
        if problem := missing_classes(found, names):
            raise InputError(
                f"Nothing could be learned or scored: in {split} {problem} ({listed(pixels[split], names)}). "
                + " ".join(ways_out(split, void, ignored, borrowed))
            )


def missing_classes(found: Sequence[int], names: Sequence[str]) -> str:
    """Return what a split lacks, by the pixels of its classes; nothing where it has all."""
    absent = [name for name, number in zip(names[1:], found[1:], strict=True) if not number]
    if not any(found):
        return "every pixel is void"
    if absent:
        more = f" or {len(absent) - MAX_NAMES} more" if len(absent) > MAX_NAMES else ""
        return f"no pixel is {' or '.join(absent[:MAX_NAMES])}{more}"
    return f"every pixel is {names[1]}" if len(names) == 2 and not found[0] else ""


def ways_out(split: str, void: int, ignored: int | None, borrowed: bool) -> list[str]:
    """Return what may help, the likeliest first."""
    ways = []
    if void and ignored is not None:
        ways.append(f"If {ignored} is no void but a class in your masks, leave data.ignore_index out.")
    if borrowed and split != "test":
        ways.append("As validation is taken from train, try another seeds.split or data.val_fraction.")
    return [*ways, f"Put images into {split} whose masks show what it lacks."]


def listed(counts: Sequence[int], names: Sequence[str]) -> str:
    """Return the pixels of a split in words, of what it has: 'background 1,200, object 80, void 3'."""
    return ", ".join(
        f"{name} {number:,}" for name, number in zip((*names, "void"), counts, strict=True) if number
    )


def sentence(pixels: Pixels, names: Sequence[str]) -> str:
    """Return the pixels of all splits in a line."""
    return f"Pixels: {'; '.join(f'{split} {listed(counts, names)}' for split, counts in pixels.items())}."
