"""A digest of the weights of networks."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import nn


def weights_digest(models: Iterable[nn.Module]) -> str:
    """Return a digest of all weights and buffers, in order."""
    digest = blake2b(digest_size=8)
    for model in models:
        for tensor in model.state_dict().values():
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
