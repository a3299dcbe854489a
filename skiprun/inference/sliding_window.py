"""Masks of large images from tiles that overlap: each tile gives the half nearer to its middle."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from torch import Tensor

from skiprun.data.folders.masks import starts
from skiprun.data.source import Array
from skiprun.tasks.masks import predicted_classes

TILE, OVERLAP = 512, 128


def sliding_window(
    pixels: Array, logits: Callable[[Array], Tensor], tile: int = TILE, overlap: int = OVERLAP
) -> Array:
    """Return the classes of an image [H, W] or [H, W, C], from tiles if it is larger than one."""
    mask = np.empty(pixels.shape[:2], np.uint8)
    for row, top, bottom in spans(pixels.shape[0], tile, overlap):
        for column, left, right in spans(pixels.shape[1], tile, overlap):
            found = predicted_classes(logits(pixels[row : row + tile, column : column + tile]))[0].numpy()
            mask[top:bottom, left:right] = found[top - row : bottom - row, left - column : right - column]
    return mask


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int, int]]:
    """Return for each tile along a side where it begins, and from where to where it counts."""
    begins = starts(length, tile, overlap)
    cuts = [0, *((left + tile + right) // 2 for left, right in pairwise(begins)), length]
    return [(begin, *span) for begin, span in zip(begins, pairwise(cuts), strict=True)]
