"""A number for each channel of images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def by_channel(numbers: Sequence[float], device: torch.device | None = None) -> Tensor:
    """Return a number for each channel as float32 [C, 1, 1], to compute with images [..., C, H, W]."""
    return torch.tensor(numbers, device=device).view(-1, 1, 1)
