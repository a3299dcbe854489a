"""Activations by layer: mean, standard deviation and fraction of dead units of each layer's input.

A unit is a channel of a convolution's input or a feature of a linear layer's; it is dead if it is zero for
every image of the batch at every place. What a layer receives is what the activation in front of it gave, so
`relu` is seen whether it is a module, shared by several layers, or a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from skiprun.models.complexity.cost import layers_by_depth
from skiprun.probes.base import numbered_paths
from skiprun.registry import PROBES

MEASURES = ("activation_mean", "activation_std", "activation_dead")


@PROBES.register("activations", paper="Glorot and Bengio 2010, section 3")
class Activations:
    """Mean, standard deviation and share of dead units in front of every layer."""

    hooks = True

    def tags(self, model: nn.Module) -> list[str]:
        """Return a tag for each measure and layer, such as 'activation_std/01.conv1'."""
        return [
            f"{measure}/{name}" for measure in MEASURES for name in numbered_paths(layers_by_depth(model))
        ]

    @contextmanager
    def watch(self, model: nn.Module) -> Iterator[None]:
        """Look at what enters each layer."""
        self.layers = list(layers_by_depth(model).values())
        self.counts = dict.fromkeys(self.layers, 0)
        self.sums: dict[nn.Module, Tensor] = {}
        with ExitStack() as hooks:
            for layer in self.layers:
                hooks.callback(layer.register_forward_pre_hook(self.look).remove)
            yield

    def look(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Add what a layer receives to its sums [2, units]: values and squares."""
        received = inputs[0].detach().float()
        unit = received.ndim - 1 if isinstance(layer, nn.Linear) else 1
        others = [dim for dim in range(received.ndim) if dim != unit]
        sums = torch.stack([received.sum(others), received.square().sum(others)])
        self.sums[layer] = self.sums[layer] + sums if layer in self.sums else sums
        self.counts[layer] += received.numel()

    def read(self) -> Tensor:
        """Return mean, standard deviation and dead share of each layer, [3 * layers]."""
        totals = [self.sums[layer].sum(dim=1) / self.counts[layer] for layer in self.layers]
        mean, square = torch.stack(totals, dim=1)
        # The squares of a unit that never fired add up to exactly nothing.
        dead = torch.stack([(self.sums[layer][1] == 0).float().mean() for layer in self.layers])
        return torch.cat([mean, (square - mean.square()).clamp(min=0).sqrt(), dead])
