"""Cost of a network: parameters, multiply-adds, weighted layers, and activation memory of each image.

The network runs on torch's meta device, where tensors have a shape and no content: even the largest is
counted in a moment, and the network that is counted is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skiprun.models.complexity.meta import Counter, run_on_meta
from skiprun.system.torch_internals import storage_id


@dataclass(frozen=True)
class Cost:
    """Size of a network for one image.

    Attributes:
        parameters: learned numbers.
        macs: multiply-adds of convolutions and linear layers, one multiply-add as 1.
        layers: weighted layers on the way through the branches, as papers count depth.
        activation_bytes: what a training step in float32 keeps of each image until the backward pass.
        largest_bytes: of the largest tensor that a layer makes of each image in float32.
    """

    parameters: int
    macs: int
    layers: int
    activation_bytes: int
    largest_bytes: int


def weighted_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Return the convolutions and linear layers of a network by module path, from the input to the output."""
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    return {path: module for path, module in model.named_modules() if isinstance(module, kinds)}


def layers_by_depth(model: nn.Module) -> dict[str, nn.Module]:
    """Return the weighted layers on the way through the branches, without projections and gates."""
    aside = {"downsample", "connection"}
    return {path: layer for path, layer in weighted_layers(model).items() if not aside & set(path.split("."))}


def cost(model: nn.Module, input_shape: Sequence[int]) -> Cost:
    """Count a network for one image of [channels, height, width]; the model is left as it was.

    Raises:
        InputError: images of this size or number of channels do not pass through the network.
    """
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[storage_id(tensor)] = tensor
        return tensor

    with Counter() as counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Two images: batch normalization in training refuses one where it has shrunk to a pixel.
        own = run_on_meta(model, (2, *input_shape))
    held = sum(tensor.untyped_storage().nbytes() for storage, tensor in kept.items() if storage not in own)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Cost(parameters, counter.macs // 2, len(layers_by_depth(model)), held // 2, counter.largest // 2)
