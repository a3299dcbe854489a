"""Read the raw values of a mask file; formats and modes that may have changed them are refused.

Formats that keep every value are PNG, TIFF, BMP, GIF, PBM, PGM, PPM and lossless WebP. A mask has one value a
pixel: of three equal channels one is read, of a palette the index.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.data.borders import VOID
from skiprun.data.folders.opening import ORIENTATION, open_image, read_file
from skiprun.data.source import Array
from skiprun.errors import BadImage

EXACT = ("PNG", "TIFF", "BMP", "DIB", "GIF", "PPM", "WEBP")
LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp", "tiff_sgilog", "tiff_sgilog24")
# Modes of eight bits whose pixels were saved with fewer or more; Pillow stretches or cuts those.
OTHER_DEPTH = re.compile(r"(L|LA|RGB[AX]?|BGR[AX]?);\D*\d.*")
ADVICE = "save masks as PNG of 8 bits"


@dataclass(frozen=True)
class MaskFile:
    """What a mask's file holds.

    Attributes:
        values: at each pixel, whole numbers [H, W], the right way up.
        one_bit: whether there is no other value than 0 and 1, so that 1 says nothing of its meaning.
        orientation: the tag by which it was turned; 1 for none.
    """

    values: Array
    one_bit: bool
    orientation: int


def read_mask_file(path: Path, two_classes: bool) -> MaskFile:
    """Read a mask.

    Args:
        path: of the file.
        two_classes: whether there are two, so that a palette of black and white says which is which.

    Raises:
        BadImage: it cannot be read, or its values are not sure to be those that were drawn.
    """
    content = read_file(path)
    image = open_image(path, content)
    values = np.asarray(image)
    if problem := inexact(image, content) or unclear(image, values, two_classes):
        raise BadImage(path, problem)
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[2] > 2 else values[..., :1]
        if (colours != colours[..., :1]).any():
            raise BadImage(path, "is in colour; a mask has one value a pixel, the number of its class")
        values = colours[..., 0]
    one_bit = image.mode == "1"
    return MaskFile(values.astype(np.uint8) if one_bit else values, one_bit, image.info[ORIENTATION])


def inexact(image: Image.Image, content: bytes) -> str:
    """Say how the values of an opened file may differ from those drawn; nothing where they cannot."""
    if image.format not in EXACT or is_lossy(image, content):
        return (
            f"is a {image.format} that may have changed what was drawn; export it as PNG, "
            "or threshold it yourself"
        )
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA") and not image.mode.startswith("I"):
        kinds = {"F": "floating-point numbers", "CMYK": "colours for print"}
        return f"has {kinds.get(image.mode, f'pixels of mode {image.mode}')}, which name no class; {ADVICE}"
    header = Image.open(io.BytesIO(content), formats=[str(image.format)])
    if (frames := getattr(header, "n_frames", 1)) > 1:
        return f"holds {frames} images, of which one alone would be read; save each as a file"
    if is_stretched(header):
        return f"has pixels of a depth that is changed when it is read; {ADVICE}"
    return ""


def is_lossy(image: Image.Image, content: bytes) -> bool:
    """Say whether a file of a format that can keep every value does not."""
    if image.format == "WEBP":
        return b"VP8L" not in webp_chunks(content)
    return image.info.get("compression") in LOSSY_TIFF


def webp_chunks(content: bytes) -> list[bytes]:
    """Return the names of the chunks of a WebP file; VP8L is the lossless one."""
    names, place = [], 12
    while place + 8 <= len(content):
        names.append(content[place : place + 4])
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return names


def is_stretched(header: Image.Image) -> bool:
    """Say whether Pillow brings the values of a file from their depth to another, by its header."""
    for tile in getattr(header, "tile", []):
        given = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if tile.codec_name in ("ppm", "ppm_plain"):  # their largest value becomes 255 or 65535
            return header.mode != "1" and given[1] not in (255, 65535)
        if isinstance(given[0], str) and OTHER_DEPTH.fullmatch(given[0]):
            return True
    return False


def unclear(image: Image.Image, values: Array, two_classes: bool) -> str:
    """Say what leaves open which class a value means; nothing where that is clear."""
    if is_transparent(image):
        return (
            "has transparent pixels; whether they or the values below are the mask is not said. "
            f"For sure, {ADVICE}"
        )
    if image.mode not in ("P", "PA"):
        return ""
    used = np.unique(values if values.ndim == 2 else values[..., 0])
    stored = np.array(image.getpalette("RGB")).reshape(-1, 3)
    colours = np.pad(stored, ((0, VOID + 1 - len(stored)), (0, 0)))
    # An image of greys saved with a palette: its greys, not their order in the file, are what was drawn.
    if (colours == colours[:, :1]).all() and not np.array_equal(colours[used, 0], used):
        if not two_classes or len(used) > 2 or colours[0].any():
            shown = ", ".join(f"{index} for {colours[index, 0]}" for index in used[:4].tolist())
            return (
                f"has a palette of greys whose numbers are others ({shown}); "
                "save it without a palette, of 8 bits"
            )
    elif two_classes and used.max() == 1 and colours[0].sum() > colours[1].sum():
        return (
            f"has a palette that shows 0 brighter than 1, so either may be the object; {ADVICE}, "
            "the object as 255"
        )
    return ""


def is_transparent(image: Image.Image) -> bool:
    """Say whether any pixel of an image is not opaque."""
    if image.mode.startswith("I"):
        return "transparency" in image.info
    return image.has_transparency_data and bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())
