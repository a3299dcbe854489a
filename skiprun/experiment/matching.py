"""Adapt other data to a run: labels by class name, its channels, its mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skiprun.data import Loaders, Split
from skiprun.data.source import Array
from skiprun.errors import InputError, counted, did_you_mean, some
from skiprun.run.documents import DataRecord
from skiprun.system.logs import data_log as log

MASK_VALUES = 256
MAX_NAMES = 8


def is_other(loaders: Loaders) -> bool:
    """Tell whether data is not that of its run: it is scored, and never learned from."""
    return isinstance(loaders.train, Matched)


def as_trained_on(record: DataRecord, loaders: Loaders) -> Loaders:
    """Return other data as a run sees it: with its classes, its channels and its normalization."""
    if missing := {"class_names", "mean", "std", "image_shape"} - record.keys():
        raise InputError(
            f"The run recorded no {', '.join(sorted(missing))}; its labels cannot be matched by name."
        )
    names, channels = list(record["class_names"]), record["image_shape"][0]
    labels = matched(names, list(loaders.class_names))
    if absent := [name for name in names if name not in loaders.class_names]:
        log.info(f"Without images: {some(absent, MAX_NAMES)}.")
    if loaders.image_shape[0] not in (1, channels):
        found = counted(loaders.image_shape[0], "channel")
        raise InputError(f"The images have {found}, and the run was trained on {channels}.")
    refuse_other_span(record, loaders)
    table = torch.arange(max(MASK_VALUES, len(labels)), device=loaders.device)
    table[: len(labels)] = torch.tensor(labels, device=loaders.device)
    return replace(
        loaders,
        train=Matched(loaders.train, table, channels),
        val=Matched(loaders.val, table, channels),
        test=Matched(loaders.test, table, channels),
        num_classes=len(names),
        class_names=tuple(names),
        image_shape=(channels, *loaders.image_shape[1:]),
        mean=tuple(record["mean"]),
        std=tuple(record["std"]),
        pixels={split: renumbered(counts, labels, len(names)) for split, counts in loaders.pixels.items()},
    )


def refuse_other_span(record: DataRecord, loaders: Loaders) -> None:
    """Refuse deep images that were brought to 8 bits by another range of values than those of the run."""
    then, now = (record.get("conversion") or {}).get("span"), loaders.conversion and loaders.conversion.span
    if now and list(now) != list(then or ()):
        known = f"{then[0]:g} to {then[1]:g}" if then else "none"
        raise InputError(
            f"The values {now[0]:g} to {now[1]:g} of these deep images became 0 to 255, and of the run's "
            f"{known}. Save them with 8 bits, spread as the run's were; "
            "`skiprun predict` spreads them so by itself."
        )


def renumbered(counts: Sequence[int], labels: Sequence[int], number: int) -> tuple[int, ...]:
    """Return the pixels of classes, and of void last, by the numbers that the classes have for a run."""
    *known, void = counts
    found = dict(zip(labels, known, strict=True))
    return (*(found.get(label, 0) for label in range(number)), void)


def matched(known: list[str], found: list[str]) -> list[int]:
    """Return the number that each found class has for a run.

    Raises:
        InputError: the run does not know one.
    """
    for name in found:
        if name not in known:
            hint, names = did_you_mean(name, known), some(known, MAX_NAMES)
            raise InputError(f"The run does not know the class '{name}'.{hint} It was trained on {names}.")
    return [known.index(name) for name in found]


@dataclass(frozen=True, eq=False)
class Matched:
    """A split with labels and channels as a run knows them.

    Attributes:
        table: int64, the run's label of each label here; what is no label, such as void, stays.
        channels: grey images are repeated in so many.
    """

    split: Split
    table: Tensor
    channels: int

    def __len__(self) -> int:
        return len(self.split)

    def labels(self) -> Array:
        """Return the run's label of each image."""
        return self.table.cpu().numpy()[self.split.labels()]

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return uint8 images [B, C, H, W] and their targets."""
        images, targets = self.split.take(index)
        return images.expand(-1, self.channels, -1, -1), self._matched(targets)

    def _matched(self, targets: Tensor) -> Tensor:
        """Return labels [B], masks [B, H, W], or masks with border weights [B, 2, H, W]."""
        if targets.ndim == 4:
            return torch.cat([self._matched(targets[:, 0])[:, None], targets[:, 1:]], 1)
        return self.table[targets.long()].to(targets.dtype)
