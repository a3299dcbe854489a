"""From what was kept of each image of a split to its results by class, confusion, confidence and image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from skiprun.data.source import Array
from skiprun.results.split_results import (
    MANY,
    ClassError,
    ClassOverlap,
    Confusion,
    ImageScore,
    LabelResults,
    MaskResults,
    ReliabilityBin,
    WrongImage,
    expected_calibration_error,
)
from skiprun.tasks.segmentation import confusion_of, overlaps

BINS = 15  # of Guo et al. 2017
TOP = 5
WORST = 24  # images


def label_results(kept: Mapping[str, Array], names: Sequence[str]) -> LabelResults:
    """Return the results of labels.

    Args:
        kept: labels, rank, predicted and probability of each image, see `Classification.of_each_image`.
        names: of the classes.
    """
    labels, predicted = (kept[name].astype(np.int64) for name in ("labels", "predicted"))
    matrix = np.bincount(labels * len(names) + predicted, minlength=len(names) ** 2).reshape(len(names), -1)
    bins = reliability(kept["probability"], labels == predicted)
    beyond = 100 * float((kept["rank"] >= TOP).mean()) if len(names) >= MANY else None
    wrong = np.flatnonzero(labels != predicted)
    worst = wrong[np.argsort(-kept["probability"][wrong], kind="stable")][:WORST]
    return LabelResults(
        class_errors(matrix, names),
        confusions(matrix, names),
        beyond,
        expected_calibration_error(bins),
        bins,
        [
            WrongImage(int(n), names[labels[n]], names[predicted[n]], float(kept["probability"][n]))
            for n in worst
        ],
    )


def class_errors(matrix: Array, names: Sequence[str]) -> list[ClassError]:
    """Return the error of each class, the highest first, those without an image last."""
    images = matrix.sum(1)
    wrong = images - matrix.diagonal()
    rows = [
        ClassError(name, int(n), int(w), 100 * w / n if n else math.nan)
        for name, n, w in zip(names, images.tolist(), wrong.tolist(), strict=True)
    ]
    return sorted(rows, key=lambda row: -1.0 if math.isnan(row.error) else row.error, reverse=True)


def confusions(matrix: Array, names: Sequence[str]) -> list[Confusion]:
    """Return each pair of classes of which one was taken for the other, the most frequent first."""
    off = matrix - np.diag(matrix.diagonal())
    of_class = matrix.sum(1)
    pairs = sorted(np.argwhere(off).tolist(), key=lambda pair: -off[tuple(pair)])
    return [
        Confusion(names[true], names[other], int(off[true, other]), float(off[true, other] / of_class[true]))
        for true, other in pairs
    ]


def reliability(probability: Array, right: Array) -> list[ReliabilityBin]:
    """Return bins of equal width, each open below, of the probability of the predicted label."""
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(probability, edges, right=True) - 1, 0, BINS - 1)
    bins = []
    for n in range(BINS):
        inside = place == n
        means = [
            float(each[inside].mean(dtype=float)) if inside.any() else math.nan
            for each in (probability, right)
        ]
        bins.append(ReliabilityBin(float(edges[n]), float(edges[n + 1]), int(inside.sum()), *means))
    return bins


def mask_results(counts: Tensor, scores: Array, names: Sequence[str]) -> MaskResults:
    """Return the results of masks.

    Args:
        counts: of all images together, see `Segmentation.counts`.
        scores: of each image [N], NaN where there is nothing to score.
        names: of the classes.
    """
    matrix = confusion_of(counts)
    rows = [
        ClassOverlap(name, int(pixels), iou, dice)
        for name, pixels, iou, dice in zip(names, matrix.sum(1).tolist(), *overlaps(matrix), strict=True)
    ]
    order = np.argsort(scores, kind="stable")  # NaN last
    return MaskResults(
        sorted(rows, key=lambda row: math.inf if row.iou is None else row.iou),
        confusions(matrix.numpy(), names),
        [ImageScore(int(n), float(scores[n])) for n in order[:WORST] if not math.isnan(scores[n])],
    )
