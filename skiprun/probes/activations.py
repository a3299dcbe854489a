"""Activations by layer: mean, standard deviation and share of dead units of what each layer receives.

A unit is a channel of a convolution's input or a feature of a linear layer's; it is dead if it is zero for every
picture of the batch at every place. What a layer receives is what the activation in front of it gave, so `relu` is
seen whether it is a module, shared by several layers, or a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from skiprun.models.cost import layers_by_depth
from skiprun.probes.base import numbered
from skiprun.registry import PROBES

MEASURES = ("activation_mean", "activation_std", "activation_dead")


@PROBES.register("activations", paper="Glorot and Bengio 2010, section 3")
class Activations:
    """Mean, standard deviation and share of dead units in front of every layer."""

    def tags(self, model: nn.Module) -> list[str]:
        return [f"{measure}/{name}" for measure in MEASURES for name in numbered(layers_by_depth(model))]

    @contextmanager
    def watch(self, model: nn.Module) -> Iterator[None]:
        self.layers = list(layers_by_depth(model).values())
        self.sums: dict[nn.Module, Tensor] = {}
        self.alive: dict[nn.Module, Tensor] = {}
        with ExitStack() as hooks:
            for layer in self.layers:
                hooks.callback(layer.register_forward_pre_hook(self.look).remove)
            yield

    @torch.no_grad()
    def look(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Add what a layer receives to its sums: count, sum, sum of squares; and remember the units that fired."""
        received = inputs[0].detach().float()
        sums = torch.stack(
            [torch.ones_like(received[:1]).sum() * len(received), received.sum(), received.square().sum()]
        )
        units = received.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0).flatten(1).any(dim=1)
        self.sums[layer] = self.sums[layer] + sums if layer in self.sums else sums
        self.alive[layer] = self.alive[layer] | units if layer in self.alive else units

    def read(self) -> Tensor:
        count, total, squares = torch.stack([self.sums[layer] for layer in self.layers], dim=1)
        mean = total / count
        dead = torch.stack([1 - self.alive[layer].float().mean() for layer in self.layers])
        return torch.cat([mean, (squares / count - mean.square()).clamp(min=0).sqrt(), dead])
