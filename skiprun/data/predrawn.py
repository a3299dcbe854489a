"""Training data whose augmentation is drawn when a batch is fetched, before it is prepared.

torchvision's transforms draw their parameters (`make_params`) just before they apply them. Two kinds of steps
need the parameters earlier, as tensors beside the rows of the batch:

- Several runs in one CUDA graph: a graph has one generator, and each run has a seed of its own. What is drawn
  is an input of the graph (`PredrawnData`).
- Several ranks that make the steps of one run: each draws for the whole batch, as one process would, and
  fetches its own images (`PartOfBatch`). Mixup and CutMix mix an image with the one before it in the batch,
  which may be another rank's: it is prepared, too, and then left out.

A run alone draws within its graph: drawn before, a step launches 9 operations beside the graph where it
launches 3, and 26 with all that changes masks.
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


class PredrawnData:
    """Loaders as the training loop asks for them: `fetch` draws, `prepare` applies what was drawn."""

    def __init__(self, loaders: Loaders) -> None:
        self.loaders = loaders
        self.params: Any = None  # of the latest batch; only how its tensors are nested is used

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

    @property
    def reads_ahead(self) -> bool:
        """Whether `prefetch` gains time."""
        return self.loaders.reads_ahead

    def prefetch(self, index: Tensor) -> None:
        """Begin to read what `fetch` will be asked for."""
        self.loaders.prefetch(index)

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return the drawn parameters of a batch as tensors, and what its images are gathered from."""
        self.params = self.loaders.augment.draw(len(index))
        return (*flatten(self.params), *self.loaders.fetch(index))

    def prepare(self, *fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Gather, normalize and augment as was drawn."""
        rest = iter(fetched)
        params = nested_like(self.params, rest)
        return self.loaders.prepare_as_drawn(params, *rest)

    def batches(self, split: str, batch_size: int, which: slice = ALL) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield some of the batches of a split in stored order, not augmented."""
        return self.loaders.batches(split, batch_size, which)


class PartOfBatch(PredrawnData):
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
        self.places = lru_cache(maxsize=2)(self._places)  # where rows are, and where images are

    def _places(self, count: int, device: torch.device) -> Tensor:
        """Return the places in a batch of so many images of those that this rank prepares, int64."""
        parts = [self.ranks.part(piece) for piece in torch.arange(count).chunk(self.accumulate)]
        if self.mixes:
            parts = [torch.cat([(part[:1] - 1) % count, part]) for part in parts]
        return torch.cat(parts).to(device)

    def fetch(self, index: Tensor) -> tuple[Tensor, ...]:
        """Return the parameters of this rank's part of a batch, and what its images are gathered from."""
        params = self.loaders.augment.draw(len(index))
        places = self.places(len(index), self.loaders.device)
        # What is drawn once for the batch, such as the lambda of mixup, has no dimension of images.
        self.params = nested_like(params, (each[places] if each.ndim else each for each in flatten(params)))
        return (*flatten(self.params), *self.loaders.fetch(self._mine(index)))

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


def flatten(params: Any) -> Iterator[Tensor]:
    """Yield the tensors of nested tuples, in which there may be None, too."""
    if isinstance(params, Tensor):
        yield params
    elif params is not None:
        for each in params:
            yield from flatten(each)


def nested_like(like: Any, tensors: Iterator[Tensor]) -> Any:
    """Return tuples that are nested as others are, made of the next of the given tensors."""
    if like is None:
        return None
    if isinstance(like, Tensor):
        return next(tensors)
    parts = [nested_like(each, tensors) for each in like]
    return like._make(parts) if hasattr(like, "_make") else tuple(parts)
