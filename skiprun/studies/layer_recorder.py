"""Record gradient and signal norms of every layer in one forward and backward pass."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skiprun.connections import sites
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.studies.base import Loss

MEASURES = ("grad_norm", "actgrad", "act_std", "weight_norm")


class LayerRecorder:
    """Reads all layers and sites of a network in one pass forward and back; its hooks stay in the network.

    What is frozen has no gradient, which is not one of zero: it is NaN.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model, self.layers, self.sites = model, layers_by_depth(model), sites(model)
        self.outputs: dict[nn.Module, Tensor] = {}
        self.gradients: dict[nn.Module, Tensor] = {}
        for module in (*self.layers.values(), *self.sites.values()):
            module.register_forward_hook(self.record)

    def record(self, module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Keep the variance of an output, and its gradient's norm when that comes."""
        self.outputs[module] = output.detach().var(correction=0)
        self.gradients[module] = output.new_full((), 0.0 if output.requires_grad else math.nan)
        if output.requires_grad:
            output.register_hook(lambda gradient: self.gradients.__setitem__(module, gradient.norm()))

    def measure(self, loss: Loss, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return MEASURES of the layers [4, layers], the variance at the sites [sites], and the loss."""
        self.model.zero_grad()
        value = loss(self.model(images), targets)
        value.backward()
        rows = [self.of_layer(layer) for layer in self.layers.values()]
        variances = [self.outputs[site] for site in self.sites.values()]
        return torch.stack(rows, dim=1), torch.stack(variances or [value.new_zeros(())]), value.detach()

    def of_layer(self, layer: nn.Module) -> Tensor:
        """Return the values of MEASURES for one layer."""
        weight = layer.get_parameter("weight")
        nothing = weight.new_full((), 0.0 if weight.requires_grad else math.nan)
        gradient = nothing if weight.grad is None else weight.grad.norm()
        return torch.stack(
            [gradient, self.gradients[layer], self.outputs[layer].sqrt(), weight.detach().norm()]
        )
