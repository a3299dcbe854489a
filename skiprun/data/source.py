"""What a dataset file returns: decoded images and targets of its official splits.

This module does not import torch; the processes that decode images use it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

Array = np.ndarray

CHUNK_BYTES = 1 << 22
# A copy of the moments of a million images would take 48 MB.
CHUNK_ROWS = 1 << 16


class Rows(Protocol):
    """An array of rows, in memory, mapped from a file, or made when it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the shape of each."""

    @property
    def nbytes(self) -> int:
        """The size of all."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, rows: Any, /) -> Array:
        """Return some rows, by their numbers."""


@dataclass(frozen=True)
class RawSplit:
    """Images and targets of one official split.

    Attributes:
        images: uint8 [N, H, W, C], in memory, mapped, or decoded when they are asked for.
        targets: int64 labels [N], or masks [N, H, W].
        known_moments: what `channel_moments` returns, where it was kept from the decoding.
        files: the name of the image that each came from, where they came from files; tiles of one image have
            one.
    """

    images: Rows
    targets: Array
    known_moments: Rows | None = None
    files: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def moments(self) -> Rows:
        """Sums and sums of squares of each image's channels, int64 [N, 2, C]."""
        return channel_moments(self.images) if self.known_moments is None else self.known_moments

    def moments_of(self, rows: Array) -> Iterator[Array]:
        """Yield the moments of some rows, so few at a time that a copy of them is small."""
        for start in range(0, len(rows), CHUNK_ROWS):
            yield self.moments[rows[start : start + CHUNK_ROWS]]


@dataclass(frozen=True)
class RawDataset:
    """The splits of a dataset and its classes.

    Attributes:
        val: None where the validation split is taken from train.
        content: digest of all images and targets, if it is known already.
        own: the user's own files, whose splits may share images.
    """

    train: RawSplit
    test: RawSplit
    class_names: tuple[str, ...]
    val: RawSplit | None = None
    task: str = "classification"
    content: str | None = None
    own: bool = False

    @property
    def splits(self) -> list[RawSplit]:
        """The splits that exist, in the order train, val, test."""
        return [raw_split for raw_split in (self.train, self.val, self.test) if raw_split is not None]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        height, width, channels = self.train.images.shape[1:]
        return channels, height, width

    def digest(self) -> str:
        """Return the digest of the contents, computed where it is not known."""
        if self.content is not None:
            return self.content
        digest = blake2b(digest_size=16)
        for raw_split in self.splits:
            digest.update(repr((raw_split.images.shape, raw_split.targets.dtype.str)).encode())
            digest.update(np.ascontiguousarray(raw_split.images[:]).data)
            digest.update(np.ascontiguousarray(raw_split.targets).data)
        return digest.hexdigest()


def channel_moments(images: Rows) -> Array:
    """Return sums and sums of squares over the pixels of uint8 [N, H, W, C], int64 [N, 2, C].

    The products run in float64, where whole numbers below 2**53 are exact in any order of summation.
    """
    count, height, width, channels = images.shape
    found = np.empty((count, 2, channels), np.int64)
    ones = np.ones(height * width)
    step = max(1, CHUNK_BYTES // max(1, height * width * channels))
    for start in range(0, count, step):
        pixels = images[start : start + step].reshape(-1, height * width, channels).astype(np.float64)
        found[start : start + step, 0] = ones @ pixels
        found[start : start + step, 1] = ones @ (pixels * pixels)
    return found


def mean_and_std(raw_split: RawSplit, rows: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over some rows of a split, in 0..1 units."""
    _, height, width, _ = raw_split.images.shape
    count = len(rows) * height * width
    sums = sum(part.sum(0) for part in raw_split.moments_of(rows))
    # Python's whole numbers have no largest one, so count * squares - total**2 is exact.
    totals = [[int(value) for value in row] for row in sums]
    mean = tuple(total / count / 255 for total in totals[0])
    variance = [(count * squares - total * total) / count**2 for total, squares in zip(*totals, strict=True)]
    # A constant channel is centred and left as it is.
    return mean, tuple((value**0.5 / 255) or 1.0 for value in variance)
