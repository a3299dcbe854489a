"""Loaders: the three splits of a dataset, with its classes, image shape and statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from skiprun.data.augmentation.resized_crops import center_crop
from skiprun.data.channels import by_channel
from skiprun.data.contract import ALL
from skiprun.data.folders.conversion import Conversion
from skiprun.data.source import Array
from skiprun.data.splits import InMemorySplit, MemoryMappedSplit, Split, StreamedSplit

# Networks for masks keep the image's size to the end, so a batch to evaluate is bounded by its pixels.
MASK_BATCH_PIXELS = 1 << 20  # 16 images of 256x256


class Augmentation(Protocol):
    """Changes of images and their targets, apart from the draws that they are made from."""

    def draw(self, count: int) -> Any:
        """Return draws from torch's global generators for so many images, on the device."""

    def apply(self, images: Tensor, targets: Tensor, draws: Any) -> tuple[Tensor, Tensor]:
        """Return normalized images [B, C, H, W] and targets changed as `draw` said."""


@dataclass(frozen=True, eq=False)
class Loaders:
    """Train, validation and test splits of one dataset; the order of training samples is the trainer's.

    Attributes:
        num_classes: number of labels, or of the classes of a mask.
        image_shape: channels, height and width of what the network gets; the middle of larger images.
        task: a name in TASKS.
        fingerprint: hex digest of contents, class names and split.
        mean, std: of each channel over the training split, for pixels scaled to 0..1.
        augment: changes what is trained on.
        pixels: how many pixels of the masks each class has, void last, by split; empty without masks.
        conversion: how the user's image files were resized and converted; None for other datasets.
        files: of each split, the files of a folder, and which of them its images came from in stored order.
        legacy_split: rebuilds them with the validation split of earlier versions; None if that is this one.
    """

    train: Split
    val: Split
    test: Split
    num_classes: int
    image_shape: tuple[int, int, int]
    task: str
    class_names: tuple[str, ...]
    fingerprint: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device
    augment: Augmentation
    pixels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    conversion: Conversion | None = None
    files: Mapping[str, tuple[Sequence[str] | None, Array]] = field(default_factory=dict)
    legacy_split: Callable[[], Loaders] | None = None

    def image_name(self, split: str, place: int) -> str:
        """Return what an image of a split is called: by its file, or else by its place in stored order."""
        names, rows = self.files.get(split, (None, ()))
        return str(names[rows[place]]) if names else str(place)

    @property
    def index_device(self) -> torch.device:
        """Where the rows of a batch are named: with the images."""
        return torch.device("cpu") if self.reads_ahead else self.device

    @property
    def shard_sizes(self) -> Sequence[int] | None:
        """How many training rows each shard has, where they are read from shards."""
        return self.train.shard_sizes if isinstance(self.train, StreamedSplit) else None

    @property
    def reads_ahead(self) -> bool:
        """Whether the training rows are read meanwhile if `prefetch` knows them before."""
        return isinstance(self.train, MemoryMappedSplit)

    def prefetch(self, index: Tensor) -> None:
        """Begin to read training rows that `fetch` will be asked for."""
        if isinstance(self.train, MemoryMappedSplit):
            self.train.prefetch(index)

    def train_batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return augmented, normalized float32 images of the training split and their targets."""
        return self.prepare(*self.fetch(index))

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return what `prepare` begins with: the index alone where the images are on the device."""
        return (index,) if self._is_resident else self.train.take(index)

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Gather, normalize and augment: nothing here waits for the device, so a CUDA graph may record it."""
        return self.prepare_as_drawn(self.augment.draw(len(fetched[0])), *fetched)

    def prepare_as_drawn(self, draws: Any, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Gather, normalize and augment by the draws of a batch."""
        images, targets = self.train.take(*fetched) if self._is_resident else fetched
        return self.augment.apply(self.normalize(images), targets, draws)

    def batches(self, split: str, batch_size: int, which: slice = ALL) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a split, 'train', 'val' or 'test', in stored order and batches, normalized, not augmented.

        Args:
            split: the name.
            batch_size: images of a batch, fewer of large masks.
            which: of the batches.
        """
        if self.task == "segmentation":
            batch_size = min(batch_size, max(1, MASK_BATCH_PIXELS // math.prod(self.image_shape[1:])))
        subset = {"train": self.train, "val": self.val, "test": self.test}[split]
        starts = range(0, len(subset), batch_size)[which]
        for number, start in enumerate(starts):
            index = self._rows(subset, start, batch_size)
            if isinstance(subset, MemoryMappedSplit) and number + 1 < len(starts):
                subset.prefetch(self._rows(subset, starts[number + 1], batch_size))
            images, targets = subset.take(index)
            yield self.as_scored(images), targets

    def as_scored(self, images: Tensor) -> Tensor:
        """Return the middle of uint8 images, normalized: what the network sees of them when it is scored."""
        return self.normalize(center_crop(images, *self.image_shape[1:]))

    def normalize(self, images: Tensor) -> Tensor:
        """Return uint8 images as float32 (images / 255 - mean) / std, as images * scale + shift."""
        return (images * self._scale).add_(self._shift)

    def _rows(self, subset: Split, start: int, count: int) -> Tensor:
        """Return so many rows of a split from one on, fewer where it ends."""
        return torch.arange(start, min(start + count, len(subset)), device=self.index_device)

    @property
    def _is_resident(self) -> bool:
        """Whether rows of the training split are gathered without the host."""
        return isinstance(self.train, InMemorySplit)

    @cached_property
    def _scale(self) -> Tensor:
        return by_channel([1 / (255 * std) for std in self.std], self.device)

    @cached_property
    def _shift(self) -> Tensor:
        offsets = [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]
        return by_channel(offsets, self.device)
