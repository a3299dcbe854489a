"""The order of the training samples: an endless stream of permutations, one an epoch.

Of samples in shards, those of a few shards are permuted at a time (`Windowed`). Step t takes the t-th batch
of `batch_size` samples from the stream: all batches have one size, every sample is seen once a pass, and the
last batch of a pass is filled up from the next one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from skiprun.training.randomness import derive_seed

# Samples in shards are permuted in windows of about so many.
WINDOW = 1 << 14


class Shuffled:
    """One permutation of all samples an epoch."""

    def __init__(self, seed: int, samples: int, device: torch.device) -> None:
        self.seed, self.samples, self.device = seed, samples, device
        self.permutation = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))
        return torch.randperm(self.samples, generator=generator).to(self.device)

    def part(self, epoch: int, start: int, count: int) -> Tensor:
        """Return the samples from one place of an epoch's order on, fewer where it ends."""
        return self.permutation(epoch)[start : start + count]


class Windowed:
    """Shards in a drawn order, and their samples in one that is drawn within windows of several shards.

    What is in memory grows with the number of shards and with the window, not with the number of samples.
    """

    def __init__(
        self, seed: int, shard_sizes: Sequence[int], device: torch.device, window: int = WINDOW
    ) -> None:
        self.seed, self.device, self.window = seed, device, window
        self.sizes = torch.tensor(shard_sizes)
        self.first = self.sizes.cumsum(0) - self.sizes
        self.layout = lru_cache(maxsize=2)(self._layout)
        self.samples = lru_cache(maxsize=4)(self._samples)

    def _layout(self, epoch: int) -> tuple[Tensor, list[int], list[int]]:
        """Return the order of the shards, and where each window begins, by shards and by samples."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "order of runs", epoch))
        order = torch.randperm(len(self.sizes), generator=generator)
        begins = self.sizes[order].cumsum(0) - self.sizes[order]
        window = begins // self.window
        new = [0, *(torch.nonzero(window.diff())[:, 0] + 1).tolist()]
        return order, new, begins[new].tolist()

    def _samples(self, epoch: int, number: int) -> Tensor:
        """Return the samples of a window in their order."""
        order, new, _ = self.layout(epoch)
        shards = order[slice(*[*new, None][number : number + 2])]
        spans = zip(self.first[shards].tolist(), self.sizes[shards].tolist(), strict=True)
        samples = torch.cat([torch.arange(first, first + size) for first, size in spans])
        generator = torch.Generator().manual_seed(derive_seed(self.seed, f"order in window {number}", epoch))
        return samples[torch.randperm(len(samples), generator=generator)].to(self.device)

    def part(self, epoch: int, start: int, count: int) -> Tensor:
        """Return the samples from one place of an epoch's order on, fewer where it ends."""
        begins = self.layout(epoch)[2]
        number = bisect_right(begins, start) - 1
        found = self.samples(epoch, number)[start - begins[number] :][:count]
        if len(found) == count or number + 1 == len(begins):
            return found
        return torch.cat([found, self.part(epoch, begins[number + 1], count - len(found))])


class BatchSampler:
    """The stream of training samples of one run.

    Args:
        seed: of the order.
        samples: how many there are.
        batch_size: samples of a step.
        device: where their numbers are wanted.
        shard_sizes: how many of them are in each shard, in order; None where all are equally near.
    """

    def __init__(
        self,
        seed: int,
        samples: int,
        batch_size: int,
        device: torch.device,
        shard_sizes: Sequence[int] | None = None,
    ) -> None:
        self.samples, self.batch_size = samples, batch_size
        self.order = Windowed(seed, shard_sizes, device) if shard_sizes else Shuffled(seed, samples, device)

    def batch(self, step: int) -> Tensor:
        """Return the indices of one step, [batch_size] on the device."""
        epoch, start = divmod(step * self.batch_size, self.samples)
        head = self.order.part(epoch, start, self.batch_size)
        missing = self.batch_size - len(head)
        return torch.cat([head, self.order.part(epoch + 1, 0, missing)]) if missing else head

    def steps(self, epochs: float) -> int:
        """Return the number of steps that a number of epochs takes."""
        return max(1, round(epochs * self.samples / self.batch_size))

    def epochs(self, steps: int) -> float:
        """Return how many epochs a number of steps is; a whole number where one of them ends."""
        passes = steps * self.batch_size / self.samples
        whole = max(1, round(passes))
        return whole if self.steps(whole) == steps else passes
