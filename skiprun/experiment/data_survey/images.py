"""The images of a dataset as they are trained on: counts by class, examples, what colour alone tells."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from skiprun.data import Loaders
from skiprun.data.source import Array, channel_moments
from skiprun.data.splits import InMemorySplit, MemoryMappedSplit, Split
from skiprun.training.views.overlay_panels import painted

SPLITS = ("train", "val", "test")
MOST = 2000  # images whose colours are looked at
A_TIME = 256
FOLDS = 5


def images_by_class(loaders: Loaders) -> dict[str, list[int]]:
    """Return how many images of each split are of each class, or have a pixel of it."""
    return {split: _counts(getattr(loaders, split), loaders) for split in SPLITS}


def _counts(split: Split, loaders: Loaders) -> list[int]:
    """Return how many images of a split are of each class, or have a pixel of it."""
    classes = loaders.num_classes
    if loaders.task != "segmentation":
        return np.bincount(labels_of(split), minlength=classes).tolist()
    found = np.zeros(classes, np.int64)
    for start in range(0, len(split), A_TIME):
        masks = masks_of(take(split, range(start, min(start + A_TIME, len(split))))[1])
        found += [(masks == label).any((1, 2)).sum() for label in range(classes)]
    return found.tolist()


def labels_of(split: Split) -> Array:
    """Return the labels of a split, int64 [N]."""
    assert isinstance(split, InMemorySplit | MemoryMappedSplit)
    if isinstance(split, InMemorySplit):
        return split.targets.cpu().numpy()
    return np.asarray(split.targets[split.rows])


def masks_of(targets: Array) -> Array:
    """Return masks [N, H, W] without the plane of borders that they may have."""
    return targets[:, 0] if targets.ndim == 4 else targets


def take(split: Split, rows: Sequence[int]) -> tuple[Array, Array]:
    """Return images uint8 [N, H, W, C] and targets of some rows."""
    images, targets = split.take(torch.tensor([*rows]))
    return images.permute(0, 2, 3, 1).cpu().numpy(), targets.cpu().numpy()


def examples(loaders: Loaders, each: int) -> list[tuple[str, Array]]:
    """Return some training images of each class by its name, uint8 [N, H, W, C], drawn by chance.

    Where images have masks, there is a row of images, and one with the masks laid over them.
    """
    generator = np.random.default_rng(0)
    if loaders.task == "segmentation":
        rows = generator.permutation(len(loaders.train))[:each]
        images, targets = take(loaders.train, rows.tolist())
        colours = np.broadcast_to(images, (*images.shape[:3], 3))
        over = [painted(*pair) for pair in zip(colours, masks_of(targets), strict=True)]
        return [("image", images), ("with its mask", np.stack(over))]
    labels = labels_of(loaders.train)
    drawn = [
        generator.permutation(np.flatnonzero(labels == label))[:each] for label in range(max(labels) + 1)
    ]
    named = zip(loaders.class_names, drawn, strict=False)
    return [(name, take(loaders.train, rows.tolist())[0]) for name, rows in named if len(rows)]


def told_by_colour(loaders: Loaders) -> float:
    """Return the share of train that a linear classifier tells by mean and spread of each channel alone.

    It is cross-validated; NaN where a class has a single image.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    colours, labels = _colours(loaders.train)
    _, sizes = np.unique(labels, return_counts=True)
    if min(sizes) < 2 or len(sizes) < 2:
        return math.nan
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return float(cross_val_score(model, colours, labels, cv=min(FOLDS, *sizes.tolist())).mean())


def _colours(split: Split) -> tuple[Array, Array]:
    """Return mean and standard deviation of each channel, [N, 2 C], and labels, of some images by chance."""
    rows = np.random.default_rng(0).permutation(len(split))[:MOST]
    parts = [take(split, part.tolist())[0] for part in np.array_split(rows, 1 + len(rows) // A_TIME)]
    pixels = parts[0][0, ..., 0].size
    moments = np.concatenate([channel_moments(part) for part in parts]) / pixels
    deviation = np.sqrt(np.maximum(0, moments[:, 1] - moments[:, 0] ** 2))
    return np.concatenate([moments[:, 0], deviation], axis=1), labels_of(split)[rows]
