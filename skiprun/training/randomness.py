"""Random draws as functions of (seed, purpose, number), so that resuming needs no saved generator state.

Whatever is drawn in step t (augmentation, dropout, stochastic depth) comes from torch's global generators,
which are seeded anew for each step: one stream, as a CUDA graph has one generator. Each source has a seed of
its own, which is that of the run unless it is held (`RunConfig.seed_of`).
"""

from __future__ import annotations

import sys
from hashlib import blake2b

import torch
from torch import nn


def derive_seed(seed: int, purpose: str, number: int = 0) -> int:
    """Return a 63-bit seed that no other purpose or number shares."""
    digest = blake2b(f"{purpose}/{seed}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_step(seed: int, step: int, rank: int = 0) -> None:
    """Seed torch's generators on the CPU and on the GPUs in use for one training step.

    Of several ranks, all draw what is drawn for the whole batch; what a network draws for each of its images,
    such as dropout, each rank draws for its own.

    `torch.manual_seed` does that too, and writes down where it was called for each GPU not in use: 0.7 ms a
    step.
    """
    number = derive_seed(seed, f"step of rank {rank}" if rank else "step", step)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)


def draws_for_a_batch(model: nn.Module) -> bool:
    """Tell whether a network draws something once for all images of a batch.

    torchvision's StochasticDepth does so in one of its modes. A module of one's own says it by an attribute
    `draws_for_a_batch`; without it, ranks draw for their parts of a batch apart.
    """
    loaded = sys.modules.get("torchvision.ops")  # where it is not, no network has a part of it
    for module in model.modules():
        if getattr(module, "draws_for_a_batch", False):
            return True
        if loaded and isinstance(module, loaded.StochasticDepth) and module.mode == "batch":
            return True
    return False
