"""Classes of pixels, from masks and from logits; a pixel that is void has none."""

from __future__ import annotations

from torch import Tensor

# What a mask says of a pixel that neither teaches nor counts.
VOID = 255


def classes_of(target: Tensor) -> Tensor:
    """Return the classes of masks [N, H, W], with or without a second plane, as int64."""
    return (target[:, 0] if target.ndim == 4 else target).long()


def shows_anything(target: Tensor) -> bool:
    """Say whether masks have a pixel that is neither background nor void."""
    return bool(((classes := classes_of(target)) > 0).logical_and(classes != VOID).any())


def predicted_classes(output: Tensor) -> Tensor:
    """Return the class of each pixel, int64 [N, H, W], from logits."""
    return (output[:, 0] > 0).long() if output.shape[1] == 1 else output.argmax(1)
