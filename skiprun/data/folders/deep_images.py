"""Deep images: more than 8 bits a channel, spread from the darkest to the brightest value of a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.errors import BadImage

Span = tuple[float, float]
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


class Deep(BadImage):
    """An image with more than 8 bits a channel, where nothing is known of the range of its values."""

    def __init__(self, path: Path, problem: str = "") -> None:
        super().__init__(
            path,
            problem or "has more than 8 bits a channel, and the images of training had not; save it with 8",
        )


def to_eight_bits(path: Path, image: Image.Image, span: Span | None, tally: Counter[str]) -> Image.Image:
    """Return a deep image with 8 bits: what lies outside of the span is cut off, and counted if it is much.

    Raises:
        Deep: there is no span.
        BadImage: it holds values that are no numbers.
    """
    span_of(path, image)  # refuses what are no numbers
    if span is None:
        raise Deep(path)
    low, high = span
    values = np.asarray(image).astype(np.float64)
    tally["clipped"] += bool(((values < low) | (values > high)).mean() > 0.01)
    return Image.fromarray(np.rint(255 * (values - low) / ((high - low) or 1)).clip(0, 255).astype(np.uint8))


def widest(spans: Sequence[Span]) -> Span | None:
    """Return the span of all values of some images by the span of each; None of none."""
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None


def span_of(path: Path, image: Image.Image) -> Span:
    """Return the least and the greatest value of a deep image.

    Raises:
        BadImage: it holds values that are no numbers.
    """
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high):
        raise BadImage(path, "has pixels that are no finite numbers")
    return low, high
