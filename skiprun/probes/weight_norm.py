"""Weight norm by layer, |W|_F, and the gradient beside it, |dL/dW|_F / |W|_F.

Behind batch norm the gradient of a layer scales as 1 / |W|: one large early step makes weights long and the
gradient short for good. The two numbers together tell this aftermath from a gradient that never arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from skiprun.models.complexity.cost import layers_by_depth
from skiprun.probes.base import numbered_paths
from skiprun.probes.grad_norm import gradient_norms, of_weights
from skiprun.registry import PROBES
from skiprun.system.torch_internals import norms


@PROBES.register(
    "weight_norm", paper="van Laarhoven 2017, 'L2 regularization versus batch and weight normalization'"
)
class WeightNorm:
    """Norm of every layer's weight, and of its gradient relative to it."""

    hooks = False

    def tags(self, model: nn.Module) -> list[str]:
        """Return a tag for each measure and layer, such as 'weight_norm/01.conv1'."""
        names = numbered_paths(layers_by_depth(model))
        return [f"{measure}/{name}" for measure in ("weight_norm", "grad_over_weight") for name in names]

    @contextmanager
    def watch(self, model: nn.Module) -> Iterator[None]:
        """Remember the weights; their gradients are read when they are there."""
        self.weights = [layer.get_parameter("weight") for layer in layers_by_depth(model).values()]
        yield

    def read(self) -> Tensor:
        """Return the norm of each weight, then its gradient's over it, [2 * layers]."""
        found = gradient_norms(self.weights)
        lengths = torch.stack(norms([weight.detach() for weight in self.weights]))
        gradients = torch.stack(of_weights(self.weights, found))
        # Weights that start at zero, as Fixup's, have no length to compare with.
        return torch.cat([lengths, torch.where(lengths > 0, gradients / lengths, 0)]).float()
