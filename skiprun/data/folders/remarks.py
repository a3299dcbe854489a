"""Report what reading changed in the images of a set; refuse splits that became empty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from skiprun.data.folders.conversion import Conversion
from skiprun.data.notices import notice
from skiprun.data.source import Array, RawSplit
from skiprun.errors import InputError, percent, some


def tell_losses(tally: Counter[str], how: Conversion, total: int) -> None:
    """Log what a conversion took from a number of images."""
    for line in losses(tally, how, total):
        notice(line)


def losses(tally: Counter[str], how: Conversion, total: int) -> Iterator[str]:
    """Yield a line for each kind of loss; see `convert` for the tally."""
    if tally["deep"] and how.span:
        low, high = how.span
        yield (
            f"{tally['deep']:,} of {total:,} images are deep: "
            f"values from {low:,g} to {high:,g} become 0 to 255."
        )
    if tally["clipped"] and how.span:
        low, high = how.span
        yield (
            f"{tally['clipped']:,} of {total:,} images have more than 1 % of their pixels outside of "
            f"{low:,g} to {high:,g}, the values of train; what lies there is cut off."
        )
    if tally["pages"]:
        yield (
            f"{tally['pages']:,} of {total:,} images have several pages or frames, "
            "of which the first is read."
        )
    if tally["halved"]:
        yield f"{tally['halved']:,} of {total:,} images have 16 bits a colour, of which the upper 8 are read."
    if tally["transparent"]:
        yield (
            f"{tally['transparent']:,} of {total:,} images are transparent, "
            f"above {how.background} (data.background)."
        )
    if tally["trimmed"]:
        cut = percent(tally["cut"] / tally["pixels"], 1)
        yield (
            f"The crop to a square cuts off {cut} of all pixels, and more than a tenth "
            f"of {tally['trimmed']:,} of {total:,} images; data.fit=pad or resize keeps them whole."
        )


def tell_absent(labels: Mapping[str, Array], names: Sequence[str]) -> None:
    """Log which classes have no image in a split that is scored.

    Args:
        labels: int64 [N], by split.
        names: of the classes.
    """
    for split in ("val", "test"):
        counts = np.bincount(labels[split], minlength=len(names))
        if absent := [name for name, count in zip(names, counts, strict=True) if not count]:
            notice(
                f"{len(absent)} of {len(names)} classes have no image in {split}, whose scores say nothing "
                f"of them: {some(absent)}.",
                suspicious=True,
            )


def check_colours(plain: Mapping[str, Array], background: str) -> None:
    """Count the images of one colour, and refuse a split that has no others.

    Args:
        plain: by split, which images have one colour.
        background: what transparent images lie on.

    Raises:
        InputError: every image of a split is of one colour.
    """
    for split, found in plain.items():
        if len(found) and found.all():
            raise InputError(
                f"Each of the {len(found):,} images of {split} is of one colour once it is read; nothing can "
                f"be learned from them. If they are drawn in {background} on transparency, set another "
                "data.background; if what they show is near the sides, another data.fit."
            )
    if listed := [
        f"{found.sum():,} of {len(found):,} in {split}" for split, found in plain.items() if found.any()
    ]:
        notice(f"Images of one colour: {', '.join(listed)}.", suspicious=True)


def one_coloured(raw_split: RawSplit, rows: Array) -> Array:
    """Return which rows of a split have one colour, bool [N], by their sums and sums of squares."""
    pixels = math.prod(raw_split.images.shape[1:3])
    found = [np.zeros(0, bool)]
    for part in raw_split.moments_of(rows):
        sums, squares = part[:, 0], part[:, 1]
        # Exact in whole numbers: a channel without variance has pixels * value**2 for the sum of its squares.
        found.append(((sums % pixels == 0) & (squares == sums * (sums // pixels))).all(1))
    return np.concatenate(found)
