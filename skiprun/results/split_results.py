"""What a network got right and wrong on a split: by class, which for which, how sure, and where worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MANY = 10  # classes, from which on the five likeliest are looked at too


@dataclass(frozen=True)
class ClassError:
    """How many images of a class got another label, and the share in percent; NaN where it has none."""

    name: str
    images: int
    wrong: int
    error: float


@dataclass(frozen=True)
class Confusion:
    """How often one class was taken for another: images, or pixels of masks.

    Attributes:
        name: of the true class.
        predicted: name of the other.
        count: how often.
        share: of all that belong to the true class.
    """

    name: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Images whose predicted label has about one probability (Guo et al. 2017, figure 1).

    Attributes:
        low, high: from above which probability, to which.
        images: how many.
        confidence: mean probability; NaN where there is no image.
        accuracy: share of them with the right label.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class WrongImage:
    """An image with the wrong label: its place in the stored order of the split, both names, how sure."""

    image: int
    name: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class LabelResults:
    """What labels say of a split.

    Attributes:
        classes: the highest error first.
        confusions: the most frequent first, all of them.
        top5_error: percent of the images whose label is not among the five likeliest; None for few classes.
        ece: expected calibration error, 0 to 1.
        reliability: the bins that it is the mean over.
        worst: images with the wrong label, the surest first.
    """

    classes: Sequence[ClassError]
    confusions: Sequence[Confusion]
    top5_error: float | None
    ece: float
    reliability: Sequence[ReliabilityBin]
    worst: Sequence[WrongImage]


@dataclass(frozen=True)
class ClassOverlap:
    """How well the pixels of a class were found; no number for one neither there nor predicted."""

    name: str
    pixels: int
    iou: float | None
    dice: float | None


@dataclass(frozen=True)
class ImageScore:
    """The score of an image, by its place in the stored order of the split."""

    image: int
    score: float


@dataclass(frozen=True)
class MaskResults:
    """What masks say of a split: classes and images, the lowest first, and pixels taken for others."""

    classes: Sequence[ClassOverlap]
    confusions: Sequence[Confusion]
    worst: Sequence[ImageScore]


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean gap of confidence and accuracy, weighed by images (Guo et al. 2017, equation 3)."""
    images = sum(each.images for each in bins)
    gaps = [each.images * abs(each.confidence - each.accuracy) for each in bins if each.images]
    return sum(gaps) / images if images else math.nan
