"""What each image of the test split scored in a run, and how two runs differ by them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.results.sign_test import sign_test
from skiprun.run.image_file import read_arrays

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class ImageScores:
    """The score of each image, in stored order.

    Attributes:
        fingerprint: of the data.
        name: of the score; an error is 1 or 0.
        values: float64 [N]; NaN for a mask in which there is nothing to score.
    """

    fingerprint: str
    name: str
    values: np.ndarray

    def are_of_one_split(self, other: ImageScores) -> bool:
        """Tell whether the images of two runs are the same, scored in the same way."""
        of_both = [(each.fingerprint, each.name, each.values.shape) for each in (self, other)]
        return of_both[0] == of_both[1]


def read_images(path: Path, score_name: str, checksum: object) -> ImageScores:
    """Return what test.npz says of a score.

    Raises:
        StorageError: it cannot be read, is damaged, or is not of this run.
    """
    if score_name != "error":
        fingerprint, [values] = read_arrays(path, [score_name], checksum)
        return ImageScores(fingerprint, score_name, values.astype(float))
    fingerprint, [labels, predicted] = read_arrays(path, ["labels", "predicted"], checksum)
    return ImageScores(fingerprint, score_name, (labels != predicted).astype(float))


@dataclass(frozen=True)
class ImageTest:
    """How one run compares with another on the same images.

    Attributes:
        images: how many there are.
        worse, better: of how many its score is the worse, or the better one.
        p: that chance gives both kinds alike, by the exact sign test; where a score is right or wrong, that
            is McNemar's (1947).
    """

    images: int
    worse: int
    better: int
    p: float


def compare_images(one: ImageScores, other: ImageScores, higher_is_better: bool) -> ImageTest:
    """Compare one run with another, of the same images.

    An image with nothing to find in which one run finds nothing, and the other something, counts for the
    first: both ends of that are a score of masks, 1 and 0.
    """
    import numpy as np

    # Where only one has nothing to score, it was right to find nothing.
    values, others = (np.nan_to_num(each.values, nan=1.0) for each in (one, other))
    lower, higher = int((values < others).sum()), int((values > others).sum())
    worse, better = (lower, higher) if higher_is_better else (higher, lower)
    return ImageTest(len(values), worse, better, sign_test(worse, better))
