"""Losses of logits against masks: cross entropy by pixel, Dice by image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(
    logits: Tensor, truth: Tensor, smoothing: float, class_weights: Tensor | None = None
) -> Tensor:
    """Return the cross entropy of each pixel, [N, H, W]; `class_weights` [K] are of two classes or more."""
    if logits.shape[1] > 1:
        # As F.cross_entropy, which has no repeatable kernel for images on a GPU.
        logs = logits.log_softmax(1)
        if class_weights is not None:
            logs = logs * class_weights[:, None, None]
        return -torch.lerp(logs.gather(1, truth[:, None])[:, 0], logs.mean(1), smoothing)
    share = truth * (1 - smoothing) + smoothing / 2
    if class_weights is None:
        return F.binary_cross_entropy_with_logits(logits[:, 0], share, reduction="none")
    ratio = class_weights[1] / class_weights[0]
    loss = F.binary_cross_entropy_with_logits(logits[:, 0], share, reduction="none", pos_weight=ratio)
    return loss * class_weights[0]


def soft_dice(logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Return the Dice of each image's probabilities, [N]: the mean over classes, or of the object of two.

    One is added above and below the line, so that a class that is nowhere costs nothing.
    """
    if logits.shape[1] == 1:
        shares, true = logits.sigmoid(), truth[:, None].float()
    else:
        shares = logits.softmax(1)
        true = F.one_hot(truth, logits.shape[1]).permute(0, 3, 1, 2).float()
    shares, true = shares * valid[:, None], true * valid[:, None]
    both, all_of_them = (shares * true).sum((2, 3)), (shares + true).sum((2, 3))
    return ((2 * both + 1) / (all_of_them + 1)).mean(1)
