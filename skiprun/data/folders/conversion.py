"""Convert images of any mode to uint8 RGB of one size, by one rule for the whole set and for later images.

Deep images (more than 8 bits a channel, whole or not) are spread from the darkest to the brightest value of
the set, as cameras leave the upper bits empty. What lies under transparency is one colour. Other images keep
their values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from skiprun.data.folders.deep_images import DEEP, Span, to_eight_bits
from skiprun.data.folders.opening import HALVED, PAGES
from skiprun.data.source import Array
from skiprun.errors import BadImage

LOST = 16  # of 256 levels


@dataclass(frozen=True)
class Conversion:
    """How an image becomes uint8 [H, W, 3].

    Attributes:
        size: width and height; None keeps each image's own.
        fit: how it comes to that size: crop (cut off what is over at two sides), pad, or resize (squeeze).
        background: the colour under transparency and beside padded images.
        span: the values of deep images that become 0 and 255; None where no deep image is expected.
        center_crop: side of the middle that a network gets to see of what comes out; None: all.
    """

    size: tuple[int, int] | None = None
    fit: str = "crop"
    background: str = "white"
    span: Span | None = None
    center_crop: int | None = None


def convert(path: Path, image: Image.Image, how: Conversion, tally: Counter[str]) -> Array:
    """Return an image as uint8 [H, W, 3], and count in the tally what it may have lost.

    The tally counts images: 'deep'; 'clipped', deep with more than 1 % of its pixels outside of the span;
    'halved', 16 bits a colour, of which Pillow reads the upper 8; 'pages', the first of several;
    'transparent' in places; 'trimmed' by more than a tenth; and 'pixels', of which some are 'cut'.

    Raises:
        Deep: it needs a span, and there is none.
        BadImage: it holds no pixels that can be shown.
    """
    rgb = eight_bits(path, image, how, tally)
    if how.size is None:
        return np.asarray(rgb)
    if how.fit == "pad":
        return np.asarray(ImageOps.pad(rgb, how.size, color=how.background))
    if how.fit == "resize":
        return np.asarray(rgb.resize(how.size))
    count_cut(rgb.size, how.size, tally)
    return np.asarray(ImageOps.fit(rgb, how.size))


def eight_bits(path: Path, image: Image.Image, how: Conversion, tally: Counter[str]) -> Image.Image:
    """Return an image as RGB of 8 bits; see `convert`."""
    if image.info.get(PAGES):
        tally["pages"] += 1
    if image.mode in DEEP:
        tally["deep"] += 1
        return to_eight_bits(path, image, how.span, tally).convert("RGB")
    if image.info.get(HALVED):
        tally["halved"] += 1
        refuse_lost(path, image)
    try:
        if image.has_transparency_data and not is_opaque(rgba := image.convert("RGBA")):
            tally["transparent"] += 1
            image = Image.alpha_composite(Image.new("RGBA", image.size, how.background), rgba)
        return image if image.mode == "RGB" else image.convert("RGB")
    except ValueError:
        raise BadImage(path, f"has pixels of the mode {image.mode}; save it as RGB or grey") from None


def refuse_lost(path: Path, image: Image.Image) -> None:
    """Refuse 16 bits a colour that use only the lower 12: what Pillow reads of them has 16 levels at most.

    Raises:
        BadImage: of such an image.
    """
    colours = image.convert("RGB").getextrema()
    brightest = max(int(high) for _, high in colours)  # type: ignore[misc]  # a pair for each colour
    if 0 < brightest < LOST:
        raise BadImage(
            path,
            f"has 16 bits a colour, of which only the upper 8 are read: {brightest + 1} levels; "
            "save it with 8",
        )


def is_opaque(rgba: Image.Image) -> bool:
    """Say whether nothing shines through an image."""
    return rgba.getchannel("A").getextrema() == (255, 255)


def count_cut(had: tuple[int, int], size: tuple[int, int], tally: Counter[str]) -> None:
    """Count the pixels that lie outside of the largest part with the proportions of a size."""
    pixels, across, down = had[0] * had[1], had[0] * size[1], had[1] * size[0]
    tally["pixels"] += pixels
    if across != down:
        cut = 1 - min(across, down) / max(across, down)
        tally["cut"] += round(cut * pixels)
        tally["trimmed"] += cut > 0.1
