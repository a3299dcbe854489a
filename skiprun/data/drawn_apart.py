"""Training data whose draws are made when a batch is fetched, not while it is prepared.

A CUDA graph has one generator for all that it holds. Where several runs are in one graph, what each draws for
its images is drawn before, from its own seed, and is an input of the graph like the rows of the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from skiprun.data.loaders import Loaders
from skiprun.data.splits import Split


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
    def runs(self) -> Sequence[int] | None:
        """How many rows of the training split lie together."""
        return self.loaders.runs

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

    def batches(self, split: str, batch_size: int) -> Iterable[tuple[Tensor, Tensor]]:
        """Yield the batches of a split in stored order, not augmented."""
        return self.loaders.batches(split, batch_size)


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
