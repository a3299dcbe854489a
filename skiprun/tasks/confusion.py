"""Count pixels by their true and their predicted class: exactly, in the way that is fast on a device."""

from __future__ import annotations

import torch
from torch import Tensor


def confusion_matrix(truth: Tensor, predicted: Tensor, valid: Tensor, number: int) -> Tensor:
    """Return how many valid pixels have each true and predicted class, float64 [K, K].

    Args:
        truth: int64 [N, H, W]; K or more where it is not valid.
        predicted: int64 [N, H, W].
        valid: bool [N, H, W].
        number: of classes, K.
    """
    if truth.device.type == "cuda":
        return sum_of_products(truth, predicted, number)
    return count_cells(truth, predicted, valid, number)


def count_cells(truth: Tensor, predicted: Tensor, valid: Tensor, number: int) -> Tensor:
    """Count one pixel after the other; on a GPU all would wait for the few cells that they are added to."""
    # Pixels that are not valid go into one more cell, which is dropped: selecting them takes longer.
    cell = torch.where(valid, truth * number + predicted, number * number).flatten()
    matrix = torch.zeros(number * number + 1, dtype=torch.float64, device=cell.device)
    matrix.scatter_add_(0, cell, torch.ones_like(cell, dtype=torch.float64))
    return matrix[:-1].view(number, number)


def sum_of_products(truth: Tensor, predicted: Tensor, number: int) -> Tensor:
    """Sum the products of one-hot classes of each row; on a CPU that takes 2 to 50 times as long.

    Sums of ones in float32 are exact up to 2^24, and no row has so many pixels; so are products in TF32.
    """
    classes = torch.arange(number, device=truth.device)
    true, found = ((each.flatten(0, -2)[..., None] == classes).float() for each in (truth, predicted))
    with torch.autocast(truth.device.type, enabled=False):
        rows = torch.bmm(true.mT, found)
    return rows.sum(0, dtype=torch.float64)
