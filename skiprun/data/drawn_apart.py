"""Training data whose draws are made when a batch is fetched, not while it is prepared.

A CUDA graph has one generator for all that it holds. Where several runs are in one graph, what each draws for
its images is drawn before, from its own seed, and is an input of the graph like the rows of the batch.

Where several ranks make the steps of one run, each draws for the whole batch, as one process would, and
fetches its own images. Mixup and CutMix mix an image with the one before it in the batch, which may be
another rank's: it is prepared, too, and then left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from skiprun.data.contract import ALL
from skiprun.data.loaders import Loaders
from skiprun.data.splits import Split
from skiprun.system.ranks import Ranks


class DrawnApart:
    """Loaders, as the training loop asks for them."""

    def __init__(self, loaders: Loaders) -> None:
        self.loaders = loaders
        self.shape: Any = None  # draws like those of the latest batch

    @property
    def fingerprint(self) -> str:
        """A digest of the images, their labels and the split."""
        return self.loaders.fingerprint

    @property
    def train(self) -> Split:
        """The training split."""
        return self.loaders.train

    @property
    def index_device(self) -> torch.device:
        """Where `fetch` wants its rows."""
        return self.loaders.index_device

    @property
    def shard_sizes(self) -> Sequence[int] | None:
        """How many rows of the training split each shard has."""
        return self.loaders.shard_sizes

    def prefetch(self, index: Tensor) -> None:
        """Begin to read what `fetch` will be asked for."""
        self.loaders.prefetch(index)

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return the draws of a batch, and what its images are gathered from."""
        self.shape = self.loaders.augment.draw(len(index))
        return (*tensors(self.shape), *self.loaders.fetch(index))

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Gather, normalize and augment as was drawn."""
        given = iter(fetched)
        draws = refilled(self.shape, given)
        return self.loaders.prepare_as_drawn(draws, *given)

    def batches(self, split: str, batch_size: int, which: slice = ALL) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield some of the batches of a split in stored order, not augmented."""
        return self.loaders.batches(split, batch_size, which)


class PartOfBatch(DrawnApart):
    """Loaders that give a rank its part of every batch: of each micro-batch as many images as the others.

    Args:
        loaders: of all ranks.
        ranks: that share a batch.
        accumulate: micro-batches of a step.
        mixes: whether an image is mixed with the one before it.
    """

    def __init__(self, loaders: Loaders, ranks: Ranks, accumulate: int, mixes: bool) -> None:
        super().__init__(loaders)
        self.ranks, self.accumulate, self.mixes = ranks, accumulate, mixes
        self.places = lru_cache(maxsize=2)(self._places)  # where rows are named, and where images are

    def _places(self, count: int, device: torch.device) -> Tensor:
        """Return the places in a batch of so many images of those that this rank prepares, int64."""
        parts = [self.ranks.part(piece) for piece in torch.arange(count).chunk(self.accumulate)]
        if self.mixes:
            parts = [torch.cat([(part[:1] - 1) % count, part]) for part in parts]
        return torch.cat(parts).to(device)

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return the draws of this rank's part of a batch, and what its images are gathered from."""
        drawn = self.loaders.augment.draw(len(index))
        places = self.places(len(index), self.loaders.device)
        self.shape = refilled(drawn, (each[places] if each.ndim else each for each in tensors(drawn)))
        return (*tensors(self.shape), *self.loaders.fetch(self._mine(index)))

    def prefetch(self, index: Tensor) -> None:
        """Begin to read this rank's part of what `fetch` will be asked for."""
        self.loaders.prefetch(self._mine(index))

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Gather, normalize and augment as was drawn, and leave out what was there to be mixed with."""
        images, targets = super().prepare(*fetched)
        return (self._own(images), self._own(targets)) if self.mixes else (images, targets)

    def _mine(self, index: Tensor) -> Tensor:
        return index[self.places(len(index), index.device)]

    def _own(self, prepared: Tensor) -> Tensor:
        return torch.cat([piece[1:] for piece in prepared.chunk(self.accumulate)])


def tensors(draws: Any) -> Iterator[Tensor]:
    """Yield the tensors of draws, which are tuples of tensors, of tuples, and of nothing."""
    if isinstance(draws, Tensor):
        yield draws
    elif draws is not None:
        for each in draws:
            yield from tensors(each)


def refilled(draws: Any, given: Iterator[Tensor]) -> Any:
    """Return draws of the same shape, made of the next of the given tensors."""
    if draws is None:
        return None
    if isinstance(draws, Tensor):
        return next(given)
    parts = [refilled(each, given) for each in draws]
    return draws._make(parts) if hasattr(draws, "_make") else tuple(parts)
