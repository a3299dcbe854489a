"""What reading did to the images of a set, in a line each; splits of which nothing is left are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from skiprun.data.conversion import Conversion
from skiprun.data.notices import notice
from skiprun.data.source import Array
from skiprun.errors import InputError


def tell_losses(tally: Counter[str], how: Conversion, total: int) -> None:
    """Log what a conversion took from a number of images."""
    for line in losses(tally, how, total):
        notice(line)


def losses(tally: Counter[str], how: Conversion, total: int) -> Iterator[str]:
    """Yield a line for each kind of loss; see `convert` for the tally."""
    if tally["deep"] and how.span:
        low, high = how.span
        yield f"{tally['deep']:,} of {total:,} images are deep: values from {low:,g} to {high:,g} become 0 to 255."
    if tally["halved"]:
        yield f"{tally['halved']:,} of {total:,} images have 16 bits a colour, of which the upper 8 are read."
    if tally["transparent"]:
        yield f"{tally['transparent']:,} of {total:,} images are transparent, above {how.background} (data.background)."
    if tally["trimmed"]:
        yield (
            f"The crop to a square cuts off {tally['cut'] / tally['pixels']:.1%} of all pixels, and more than a tenth "
            f"of {tally['trimmed']:,} of {total:,} images; data.fit=pad or resize keeps them whole."
        )


def check_colours(moments: Mapping[str, Array], pixels: int, background: str) -> None:
    """Count the images of one colour, and refuse a split that has no others.

    Args:
        moments: by split, int64 [N, 2, C].
        pixels: of one image.
        background: what transparent images lie on.

    Raises:
        InputError: every image of a split is of one colour.
    """
    found = {split: (one_coloured(each, pixels), len(each)) for split, each in moments.items()}
    for split, (plain, total) in found.items():
        if plain == total:
            raise InputError(
                f"Each of the {total:,} images of {split} is of one colour once it is read; nothing can be learned "
                f"from them. If they are drawn in {background} on transparency, set another data.background; if what "
                "they show is near the sides, another data.fit."
            )
    if listed := [f"{plain:,} of {total:,} in {split}" for split, (plain, total) in found.items() if plain]:
        notice(f"Images of one colour: {', '.join(listed)}.")


def one_coloured(moments: Array, pixels: int) -> int:
    """Return how many images have one colour, by their sums and sums of squares: no channel varies."""
    value, rest = np.divmod(moments[:, 0], pixels)
    return int(((rest == 0) & (moments[:, 1] == value * value * pixels)).all(1).sum())
