"""Augment a batch as training does: draw, then apply."""

from __future__ import annotations

from torch import Tensor

from skiprun.data.loaders import Augmentation


def augmented(augment: Augmentation, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return images and targets changed as torch's generators say."""
    return augment.apply(images, targets, augment.draw(len(images)))
