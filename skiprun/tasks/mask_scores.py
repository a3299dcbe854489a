"""Scores of masks from counts: ratios by class, and boundary pixels that two share (Csurka et al. 2013)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def boundary_counts(predicted: Tensor, truth: Tensor, valid: Tensor, tolerance: int) -> Tensor:
    """Return [found, predicted, covered, true] numbers of boundary pixels of one class, from bool [N, H, W].

    Pixels beside void are left out: where an object ends there is not known.
    """
    masks = torch.stack([predicted & valid, truth & valid, ~valid], 1).float()
    outside_and_void = grow(torch.cat([1 - masks[:, :2], masks[:, 2:]], 1), 1)
    edges = masks[:, :2] * outside_and_void[:, :2] * (1 - outside_and_void[:, 2:])
    near = grow(edges, tolerance)
    found, covered = edges[:, 0] * near[:, 1], edges[:, 1] * near[:, 0]
    return torch.stack([each.sum(dtype=torch.float64) for each in (found, edges[:, 0], covered, edges[:, 1])])


def grow(masks: Tensor, pixels: int) -> Tensor:
    """Return masks [N, C, H, W] grown by some pixels to all sides; the image's edge does not grow inwards."""
    return F.max_pool2d(masks, 2 * pixels + 1, stride=1, padding=pixels) if pixels else masks


def f_score(counts: list[float]) -> float | None:
    """Return the harmonic mean of precision and recall of boundary pixels, or None where there are none."""
    found, predicted, covered, true = counts
    if not predicted and not true:
        return None
    precision, recall = found / max(predicted, 1), covered / max(true, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def ratios(above: Tensor, below: Tensor) -> list[float | None]:
    """Return one number a class, None for a class that is neither there nor predicted."""
    return [a / b if b else None for a, b in zip(above.tolist(), below.tolist(), strict=True)]


def mean_of_known(values: list[float | None]) -> float:
    """Return the mean over the classes that occur, NaN where none does."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan
