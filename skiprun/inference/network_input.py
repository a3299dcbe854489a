"""Images of any kind as the input of a trained network, and one line on what was changed for that."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from skiprun.data.augmentation.resized_crops import center_crop
from skiprun.data.folders.conversion import Conversion, convert
from skiprun.data.folders.deep_images import DEEP, span_of
from skiprun.data.folders.opening import open_image, read_file
from skiprun.data.source import Array
from skiprun.run.documents import ConversionRecord, DataRecord

log = logging.getLogger(__name__)
# Of runs that did not record it: the upper 8 of 16 bits.
EARLIER: ConversionRecord = {"span": (0, 65535)}


def read_any_size(file: Path, record: DataRecord, background: str, tally: Counter[str]) -> Array:
    """Return an image of any size as uint8 [H, W, 3], its values spread as those of a run's data were.

    Args:
        file: of the image.
        record: what a run recorded of its data; where it says no conversion, a deep image is spread by
            itself.
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
    return convert(
        file, image, Conversion(background=background, span=span_of(file, image) if apart else None), tally
    )


def size_of(data: DataRecord) -> tuple[int, int]:
    """Return width and height of a run's images."""
    return data["image_shape"][2], data["image_shape"][1]


def read_normalized(file: Path, data: DataRecord, tally: Counter[str]) -> Tensor:
    """Return an image as the network saw its training set: [1, C, H, W], brought to its size, normalized.

    Args:
        file: of the image.
        data: what the run recorded of its data.
        tally: counts what was changed, see `convert`, and what `log_changes` tells.

    Raises:
        BadImage: it cannot be used.
    """
    known: ConversionRecord = data.get("conversion", EARLIER) or {}
    image = open_image(file, read_file(file))
    size = tuple(known["size"]) if known.get("center_crop") else size_of(data)
    values = middle_of(convert(file, image, Conversion(**known | {"size": size}), tally), size_of(data))
    count_scaled(image.size, size, tally)
    values = to_channels(values, data["image_shape"][0], tally)
    pixels = torch.from_numpy(values.copy()).float().div(255).permute(2, 0, 1)
    mean, std = (torch.tensor(values).reshape(-1, 1, 1) for values in (data["mean"], data["std"]))
    return ((pixels - mean) / std)[None]


def middle_of(values: Array, size: tuple[int, int]) -> Array:
    """Return the middle of an image uint8 [H, W, C], of a width and height."""
    return (
        center_crop(torch.from_numpy(values.copy()).permute(2, 0, 1), size[1], size[0])
        .permute(1, 2, 0)
        .numpy()
    )


def free_some(device: torch.device) -> str:
    """Return what to do where there is no memory left."""
    return f"Free some{'' if device.type == 'cpu' else ', or use --device cpu'}."


def to_channels(values: Array, channels: int, tally: Counter[str]) -> Array:
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
