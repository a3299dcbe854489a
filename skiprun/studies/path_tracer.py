"""A network whose gradient is sent along chosen paths: through the branch of sites, or through the skip."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.models.layers.block import Block
from skiprun.studies.base import (
    Batch,
    Loss,
    sites_of,
)
from skiprun.studies.cuts import branch_gradient, replace_connections, skip_gradient
from skiprun.studies.reorder import parent


class Tracer:
    """An isolated copy whose gradient can be sent along chosen paths."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self.model, self.loss = model, loss
        found = sites_of(model)
        self.sites = list(found.values())
        block = model.get_submodule(parent(next(iter(found))))
        # The skips of a U-Net meet in the images alone.
        (block if isinstance(block, Block) else model).register_forward_pre_hook(self.watch)

    def watch(self, _block: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Remember where all paths meet: the input of the first block."""
        self.start = inputs[0]

    def norm(self, through: Sequence[Connection], batch: Batch) -> float:
        """Return the norm of the gradient through the branches of some sites and the skips of the others."""
        joins = {site: branch_gradient if site in through else skip_gradient for site in self.sites}
        with replace_connections(joins):
            # The forward pass is that of the whole network; only what it remembers for the way back is cut.
            value = self.loss(self.model(batch[0].clone().requires_grad_()), batch[1])
        (gradient,) = torch.autograd.grad(value, self.start, allow_unused=True)
        return 0.0 if gradient is None else gradient.norm().item()
