"""Figures as they are committed: a quarter of the bytes, and the same to the eye."""

from __future__ import annotations

import io

from PIL import Image


def smaller(png: bytes) -> bytes:
    """Return a PNG file with a palette of 256 colours at most."""
    with Image.open(io.BytesIO(png)) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    reduced.save(buffer, format="png", optimize=True)
    return buffer.getvalue()
