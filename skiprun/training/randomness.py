"""Random draws as functions of (seed, purpose, number), so that resuming needs no saved generator state.

The order of the training samples is an endless stream of permutations, one an epoch. Step t takes the t-th
batch of `batch_size` samples from it: all batches have one size, every sample is seen once a pass, and the
last batch of a pass is filled up from the next one. Whatever else is drawn in step t (augmentation, dropout,
stochastic depth) comes from torch's global generators, which are seeded anew for each step: one stream, as a
CUDA graph has one generator. Each source has a seed of its own, which is that of the run unless it is held
(`RunConfig.seed_of`).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import torch
from torch import Tensor


def derive_seed(seed: int, purpose: str, number: int = 0) -> int:
    """Return a 63-bit seed that no other purpose or number shares."""
    digest = blake2b(f"{purpose}/{seed}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_step(seed: int, step: int) -> None:
    """Seed torch's generators on the CPU and on the GPUs in use for one training step.

    `torch.manual_seed` does that too, and writes down where it was called for each GPU not in use: 0.7 ms a
    step.
    """
    number = derive_seed(seed, "step", step)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)


class BatchSampler:
    """The stream of training samples of one run."""

    def __init__(self, seed: int, samples: int, batch_size: int, device: torch.device) -> None:
        self.seed, self.samples, self.batch_size, self.device = seed, samples, batch_size, device
        self.permutation = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "order", epoch))
        return torch.randperm(self.samples, generator=generator).to(self.device)

    def batch(self, step: int) -> Tensor:
        """Return the indices of one step, [batch_size] on the device."""
        epoch, start = divmod(step * self.batch_size, self.samples)
        head = self.permutation(epoch)[start : start + self.batch_size]
        missing = self.batch_size - len(head)
        return torch.cat([head, self.permutation(epoch + 1)[:missing]]) if missing else head

    def steps(self, epochs: float) -> int:
        """Return the number of steps that a number of epochs takes."""
        return max(1, round(epochs * self.samples / self.batch_size))

    def epochs(self, steps: int) -> float:
        """Return how many epochs a number of steps is; a whole number where one of them ends."""
        passes = steps * self.batch_size / self.samples
        whole = max(1, round(passes))
        return whole if self.steps(whole) == steps else passes
