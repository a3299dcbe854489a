"""Convert images for prediction to the input of a run's network, and report in one line what was changed."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.deep_images import DEEP, span_of
from skiprun.data.folders.opening import open_image, read_file
from skiprun.data.source import Array
from skiprun.run.documents import DataRecord

log = logging.getLogger(__name__)


def whole(file: Path, record: DataRecord, background: str, tally: Counter[str]) -> Array:
    """Return an image of any size as uint8 [H, W, 3], its values spread as those of a run's data were.

    Args:
        file: of the image.
        record: what a run recorded of its data; where it says no conversion, a deep image is spread by itself.
        background: the colour under transparency, where the run recorded none.
        tally: counts what the image may have lost, see `convert`, and 'apart', those spread by themselves.

    Raises:
        BadImage: it cannot be used.
    """
    image = open_image(file, read_file(file))
    if known := record.get("conversion"):
        return convert(file, image, Conversion(**known), tally)
    apart = image.mode in DEEP
    tally["apart"] += apart
    return convert(file, image, Conversion(background=background, span=span_of(file, image) if apart else None), tally)


def in_channels(values: Array, channels: int, tally: Counter[str]) -> Array:
    """Return an image uint8 [H, W, 3] with so many channels, 1 or 3; the tally counts the 'greyed'."""
    if channels != 1:
        return values
    tally["greyed"] += bool((values != values[..., :1]).any())
    return np.asarray(Image.fromarray(values).convert("L"))[..., None]


def count_scaled(had: tuple[int, int], size: tuple[int, int], tally: Counter[str]) -> None:
    """Count an image that is brought from its width and height to others: 'shrunk', or 'enlarged'."""
    if had != size:
        tally["enlarged" if had[0] * had[1] < size[0] * size[1] else "shrunk"] += 1


def log_changes(tally: Counter[str], size: tuple[int, int] | None) -> None:
    """Log in one line what was changed of the 'used' images to fit the network; nothing if nothing was."""
    to = f" to {size[0]}x{size[1]}" if size else ""
    words = {
        "shrunk": f"shrunk{to}",
        "enlarged": f"enlarged{to}",
        "trimmed": "cut by more than a tenth",
        "greyed": "made grey",
        "deep": "deep, brought to 8 bits",
        "clipped": "with more than 1 % of its pixels outside of the values of train",
        "pages": "the first of several pages",
        "apart": "each by its own range, as the run recorded none",
        "halved": "of 16 bits a colour, of which the upper 8 were read",
        "transparent": "laid on a background",
    }
    if changed := [f"{tally[key]:,} {said}" for key, said in words.items() if tally[key]]:
        log.info(f"To fit the network, of {tally['used']:,} images: {', '.join(changed)}.")
