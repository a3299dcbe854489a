"""The user's image files as they are, before they are brought to one size: sizes and kinds of colour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from skiprun.config import DataConfig
from skiprun.data.download.place import folder_of
from skiprun.data.folders.listing import list_images
from skiprun.data.folders.opening import FORMATS
from skiprun.data.folders.pairs import list_pairs

MOST = 5000  # files whose heads are read
Kind = tuple[int, int, str]  # width, height, mode


@dataclass(frozen=True)
class ImageFiles:
    """What the heads of image files say.

    Attributes:
        total: how many files there are.
        kinds: of those that were read: width, height, mode.
        labels: of each of them, its class; empty for images with masks.
    """

    total: int
    kinds: Sequence[Kind]
    labels: Sequence[int] = field(default=())

    @property
    def sizes(self) -> Counter[tuple[int, int]]:
        """How many have which width and height."""
        return Counter((width, height) for width, height, _ in self.kinds)

    @property
    def modes(self) -> Counter[str]:
        """How many have which mode, in Pillow's words."""
        return Counter(mode for *_, mode in self.kinds)

    def smaller_than(self, side: int) -> int:
        """Return how many have a side shorter than this."""
        return sum(min(width, height) < side for width, height, _ in self.kinds)

    @property
    def largest_class(self) -> float:
        """The share of the files that are of the most frequent class."""
        return max(Counter(self.labels).values()) / len(self.labels)

    @property
    def told_by_kind(self) -> float:
        """The share whose class is the most frequent one of the others of the same size and mode."""
        counts: dict[Kind, Counter[int]] = {}
        for kind, label in zip(self.kinds, self.labels, strict=True):
            counts.setdefault(kind, Counter())[label] += 1
        alike = [
            (own, _most_of_others(of_kind, label))
            for of_kind in counts.values()
            for label, own in of_kind.items()
        ]
        right = sum(own for own, others in alike if own - 1 > others)
        return right / len(self.labels)


def _most_of_others(counts: Counter[int], label: int) -> int:
    """Return how many the largest other class has."""
    return max((count for other, count in counts.items() if other != label), default=0)


def read_heads(config: DataConfig) -> ImageFiles | None:
    """Return what the heads of a folder's images say, at most MOST of them; None where there is no folder."""
    if config.name == "image_folder" and config.root:
        listing = list_images(folder_of(config.root))
        files, labels = [listing.root / file for file in listing.files], [*listing.labels]
    elif config.name == "mask_folder" and config.root:
        pairs = list_pairs(folder_of(config.root), config)
        files, labels = [pair.image for of_split in pairs.values() for pair in of_split], []
    else:
        return None
    rows = np.linspace(0, len(files) - 1, min(MOST, len(files))).astype(int).tolist()
    heads = {row: kind for row in rows if (kind := head_of(files[row]))}
    return ImageFiles(len(files), [*heads.values()], [labels[row] for row in heads] if labels else [])


def head_of(file: Path) -> Kind | None:
    """Return width, height and mode of an image file; None where they cannot be read, which loading told."""
    try:
        with Image.open(file, formats=FORMATS) as image:
            return image.width, image.height, image.mode
    except Exception:  # as `open_image`, of which this reads the head alone
        return None
