"""Masks as PNG files: black and white or coloured, alone or laid over their image."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from skiprun.data.source import Array


def mask_png(mask: Array, classes: int) -> bytes:
    """Return a mask as PNG: black and white for two classes, else numbers with the colours of Pascal VOC."""
    image = Image.fromarray(mask * 255 if classes == 2 else mask)
    if classes > 2:
        image.putpalette([channel for index in range(256) for channel in voc_colour(index)])
    return encode_png(image)


def overlay_png(image: Array, mask: Array) -> bytes:
    """Return an image uint8 [H, W, 3] as PNG, half of its colour that of each pixel's class but the first."""
    colours = np.array([voc_colour(index) for index in range(256)], np.uint16)[mask]
    mixed = np.where(mask[..., None] > 0, (image + colours) // 2, image)
    return encode_png(Image.fromarray(mixed.astype(np.uint8)))


def encode_png(image: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def voc_colour(index: int) -> tuple[int, int, int]:
    """Return a class's colour in the masks of Pascal VOC: its bits, dealt to red, green and blue in turn."""
    bits = [[index >> (3 * place + channel) & 1 for place in range(8)] for channel in range(3)]
    red, green, blue = (sum(bit << (7 - place) for place, bit in enumerate(each)) for each in bits)
    return red, green, blue
