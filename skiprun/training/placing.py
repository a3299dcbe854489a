"""Put a network on a device, in the layout that the device computes fastest in."""

from __future__ import annotations

import torch
from torch import nn

from skiprun.config import RunConfig
from skiprun.errors import explain_out_of_memory
from skiprun.models import SMALLER_NETWORK
from skiprun.training.acceleration.activation_checkpointing import apply_activation_checkpointing


def put_network(model: nn.Module, device: torch.device, channels_last: bool) -> nn.Module:
    """Move a network to a device.

    Raises:
        OutOfMemory: it does not fit.
    """
    layout = torch.channels_last if channels_last else torch.contiguous_format
    with explain_out_of_memory(f"while the network is moved to {device}", SMALLER_NETWORK):
        return model.to(device, memory_format=layout)  # type: ignore[call-overload]


def put_trained(model: nn.Module, device: torch.device, config: RunConfig) -> nn.Module:
    """Move a network that is to be trained to a device, and make it keep what its backward pass may have."""
    placed = put_network(model, device, config.compute.channels_last)
    if config.compute.activation_checkpointing:
        apply_activation_checkpointing(placed)
    return placed


def put_rebuilt(model: nn.Module, device: torch.device, config: RunConfig) -> nn.Module:
    """Move a network that is not trained any more to a device, in evaluation mode."""
    return put_network(model, device, keeps_channels_together(config, device)).eval()


def keeps_channels_together(config: RunConfig, device: torch.device) -> bool:
    """Tell the layout of the weights of a network that is not trained any more.

    A GPU would bring others into the layout of the images at each pass. On a CPU they stay as they are read:
    sums over weights would come in another order, and what a study found is found again to the bit.
    """
    return config.compute.channels_last and device.type == "cuda"
