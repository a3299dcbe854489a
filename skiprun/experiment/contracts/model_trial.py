"""Architectures built small, with images and targets that they take, for their contracts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from skiprun.experiment.contracts.training_step import without_chance
from skiprun.models import build_model
from skiprun.models.options import options_of
from skiprun.registry import MODELS

CLASSES, IMAGES, NARROW = 5, 4, 8


def small_model(name: str, **options: Any) -> nn.Module:
    """Return a network for small images with 5 classes, the same each time."""
    torch.manual_seed(0)
    entry = MODELS[name]
    if "stem" in options_of(entry.target):
        options.setdefault("stem", "small")
    if entry.info.task == "segmentation" and "width" in options_of(entry.target):
        options.setdefault("width", NARROW)
    return build_model(name, CLASSES, entry.info.input[0], **options)


def smallest(name: str) -> tuple[int, int]:
    """Return the size of the smallest images that a family for larger ones learns from, or its own."""
    _, height, width = MODELS[name].info.input
    small = 16 if height == 32 else 32
    return (small, small) if height >= small else (height, width)


def batch(name: str, size: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
    """Return four images of a size, by default the smallest, and labels or masks."""
    generator, entry = torch.Generator().manual_seed(1), MODELS[name]
    size = size or smallest(name)
    images = torch.randn(IMAGES, entry.info.input[0], *size, generator=generator)
    labels = torch.randint(CLASSES, (IMAGES,), generator=generator)
    if entry.info.task == "segmentation":
        # One class an image: some see an eighth of its size, and cannot tell neighbouring pixels apart.
        return images, labels.view(IMAGES, 1, 1).expand(IMAGES, *size)
    return images, labels


class ModelTrial(NamedTuple):
    """A network with images and targets that it takes."""

    model: nn.Module
    images: Tensor
    targets: Tensor


@functools.lru_cache(maxsize=1)
def trial(name: str, _builder: Callable[..., nn.Module]) -> ModelTrial:
    """Return what contracts share, as a large network takes seconds to build; they may train it."""
    model, own = without_chance(small_model(name)), MODELS[name].info.input[1:]
    try:
        with torch.no_grad():
            model(batch(name)[0])
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return ModelTrial(model, *batch(name, own))  # it takes images of its own size alone
    return ModelTrial(model, *batch(name))
