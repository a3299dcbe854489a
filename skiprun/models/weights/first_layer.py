"""Adapt the first layer's weights to another number of input channels: grey, or more than three bands."""

from __future__ import annotations

from torch import Tensor, nn

from skiprun.models.complexity.cost import weighted_layers


def with_first_layer(model: nn.Module, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return a state whose first layer takes the network's channels, and what was made for that, and how."""
    path, layer = next(iter(weighted_layers(model).items()))
    name = f"{path}.weight"
    if not isinstance(layer, nn.Conv2d) or layer.groups > 1 or name not in state:
        return state, {}
    (out, here, *kernel), there = layer.weight.shape, state[name].shape
    if len(there) != 4 or here == there[1] or [out, *kernel] != [there[0], *there[2:]]:
        return state, {}
    how = "summed" if here == 1 else f"repeated, times {there[1]}/{here}"
    return {**state, name: for_channels(state[name], here)}, {
        name: f"{there[1]} channels there, {here} here: {how}"
    }


def for_channels(weight: Tensor, channels: int) -> Tensor:
    """Return a first convolution's weight [out, in, height, width] for other channels, as timm does.

    For grey images it is summed, which is what it makes of a grey image with equal channels; for others it is
    repeated and scaled by in / channels, which keeps the size of the output (`timm.models.adapt_input_conv`).
    """
    if channels == 1:
        return weight.float().sum(1, keepdim=True)
    given = weight.shape[1]
    return weight.float().repeat(1, -(-channels // given), 1, 1)[:, :channels] * (given / channels)
