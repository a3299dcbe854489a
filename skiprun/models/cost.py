"""What a network costs: parameters, multiply-adds, weighted layers, and what training keeps of each picture.

The network runs on torch's meta device, where tensors have a shape and no content: even the largest is counted in a
moment, and the network that is counted is not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Size of a network for one picture.

    Attributes:
        parameters: learned numbers.
        macs: multiply-adds of convolutions and linear layers, one multiply-add as 1.
        layers: weighted layers on the way through the branches, as papers count depth.
        activation_bytes: what a training step in float32 keeps of each picture until the backward pass.
    """

    parameters: int
    macs: int
    layers: int
    activation_bytes: int


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
    counter = FlopCounterMode(display=False)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor
        return tensor

    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        # Two pictures, because batch normalization in training refuses one where the picture has shrunk to a pixel.
        own = run_on_meta(model, (2, *input_shape))
    held = sum(tensor.untyped_storage().nbytes() for storage, tensor in kept.items() if storage not in own)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    # torch counts a multiply-add as two operations; papers count it as one.
    return Cost(parameters, counter.get_total_flops() // 4, len(layers_by_depth(model)), held // 2)


def run_on_meta(model: nn.Module, shape: Sequence[int]) -> dict[int, Tensor]:
    """Run a network in training mode on an empty batch of a shape, and return its empty tensors by storage.

    Nothing of the network changes.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shadows = {name: _shadow(tensor) for name, tensor in tensors.items()}
    modes = {module: module.training for module in model.modules()}
    try:
        functional_call(model.train(), shadows, (torch.empty(*shape, device="meta"),))
    finally:
        for module, training in modes.items():
            module.training = training
    return {_storage(tensor): tensor for tensor in shadows.values()}


def _shadow(tensor: Tensor) -> Tensor:
    """Return an empty float32 tensor of the same shape on the meta device."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return torch.empty(tensor.shape, dtype=dtype, device="meta", requires_grad=tensor.requires_grad)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
