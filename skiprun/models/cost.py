"""What a network costs: parameters, multiply-adds, weighted layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Size of a network for one picture.

    Attributes:
        parameters: learned numbers.
        macs: multiply-adds of convolutions and linear layers, one multiply-add as 1.
        layers: weighted layers on the way through the branches, as papers count depth.
    """

    parameters: int
    macs: int
    layers: int


def weighted_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the convolutions and linear layers of a network by module path, from the input to the output."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    return {path: module for path, module in model.named_modules() if isinstance(module, kinds)}


def layers_by_depth(model: nn.Module) -> dict[str, nn.Module]:
    """Return the weighted layers on the way through the branches: without projections of shortcuts and gates."""
    aside = {"downsample", "connection"}
    return {path: layer for path, layer in weighted_layers(model).items() if not aside & set(path.split("."))}


def cost(model: nn.Module, input_shape: Sequence[int]) -> Cost:
    """Count a network for one picture of [channels, height, width]; the model is left as it was."""
    device = next(model.parameters()).device
    training = model.training
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model.eval()(torch.zeros(1, *input_shape, device=device))
    model.train(training)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    # torch counts a multiply-add as two operations; papers count it as one.
    return Cost(parameters, counter.get_total_flops() // 2, len(layers_by_depth(model)))
