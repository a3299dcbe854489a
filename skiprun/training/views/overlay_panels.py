"""Panels of an overlay, as arrays: image, truth, prediction, and errors in red and blue."""

from __future__ import annotations

import numpy as np
from PIL import Image

from skiprun.data.source import Array
from skiprun.palette import COLOURS
from skiprun.tasks.masks import VOID

SIDE = 160  # pixels that an image takes in its row
DIM = 0.3  # of the image below errors, which differ in grey too
CLAIMED, MISSED = (255, 80, 60), (150, 210, 255)


def panels(image: Array, truth: Array, predicted: Array) -> list[Array]:
    """Return image, truth, prediction and errors, uint8 [SIDE, SIDE, 3] each."""
    base = np.broadcast_to(image, (*image.shape[:2], 3)) if image.shape[2] == 1 else image[..., :3]
    wrong = (predicted != truth) & (truth != VOID)
    errors = (DIM * base).astype(np.uint8)
    errors[wrong & (predicted > 0)] = CLAIMED
    errors[wrong & (predicted == 0)] = MISSED
    return [fitted(each) for each in (base, painted(base, truth), painted(base, predicted), errors)]


def painted(base: Array, mask: Array) -> Array:
    """Return an image with the classes of a mask laid over it; the background and void are left."""
    names = [name for name in COLOURS if name != "#000000"]  # which would pass for a shadow
    colours = np.array([[int(name[at : at + 2], 16) for at in (1, 3, 5)] for name in names])
    layer = colours[(mask.astype(int) - 1) % len(colours)]
    shown = (mask > 0) & (mask != VOID)
    return np.where(shown[..., None], 0.5 * base + 0.5 * layer, base).astype(np.uint8)


def fitted(panel: Array) -> Array:
    """Return a panel at the size of its place, with a rim."""
    size = (SIDE - 2, SIDE - 2)
    smaller = Image.fromarray(np.ascontiguousarray(panel)).resize(size, Image.Resampling.NEAREST)
    return np.pad(np.asarray(smaller), ((1, 1), (1, 1), (0, 0)))
