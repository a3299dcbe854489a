"""ConvNeXt: torchvision's networks, the additions of their blocks made sites (Liu et al. 2022, table 9).

torchvision's block scales its branch by a learned factor for each channel (LayerScale) that starts at
`layer_scale`, and leaves it out at random with a probability that rises to `stochastic_depth`. `activation`
replaces its GELU; the layer norm over the channels of each pixel is a part of the block.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.block import ConnectionMaker
from skiprun.models.layers.norm_act import Activation
from skiprun.models.layers.torchvision_block import (
    TorchvisionBlock,
    adapt_stem,
    insert_connections,
    replace_norms_and_activations,
)
from skiprun.registry import MODELS

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.models.convnext import CNBlock


class ConvNeXtBlock(TorchvisionBlock):
    """Depthwise 7x7, layer norm, two linear layers, LayerScale."""

    block: nn.Module
    stochastic_depth: nn.Module

    def __init__(self, theirs: CNBlock, make_connection: ConnectionMaker) -> None:
        super().__init__(theirs, make_connection, channels=len(theirs.layer_scale))
        self.layer_scale = theirs.layer_scale
        if not self.connection.uses_shortcut:
            # A branch that starts near zero gives nothing where no shortcut carries x past it.
            nn.init.ones_(self.layer_scale)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, C, H, W] as x; in training it is left out at random."""
        return self.stochastic_depth(self.layer_scale * self.block(x))


def convnext(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    stem: Literal["imagenet", "small"] = "imagenet",
    stochastic_depth: float = 0.1,
    layer_scale: float = 1e-6,
    activation: Activation | None = None,
    *,
    name: str,
) -> nn.Module:
    """Return torchvision's network of a name with our sites.

    Options:
        stem: imagenet has patches of 4x4 pixels, small of 2x2.
        stochastic_depth: probability that the last branch is left out in training; it rises to it from 0.
        layer_scale: the learned factors on the branches at the start.
    """
    from skiprun.system.torchvision_repair import torchvision

    make = getattr(torchvision.models, name)
    network: nn.Module = make(
        num_classes=num_classes, stochastic_depth_prob=stochastic_depth, layer_scale=layer_scale
    )
    adapt_stem(network, in_channels, **({"kernel_size": 2, "stride": 2} if stem == "small" else {}))
    insert_connections(network, connection, {torchvision.models.convnext.CNBlock: ConvNeXtBlock})
    replace_norms_and_activations(network, None, activation)
    return network


for _size, _probability in {"tiny": 0.1, "small": 0.4, "base": 0.5, "large": 0.5}.items():
    MODELS.register(
        f"convnext_{_size}",
        family="convnext",
        connection="add",
        input=(3, 224, 224),
        year=2022,
        paper="Liu et al. 2022, table 9",
        summary=f"ConvNeXt-{_size.capitalize()}, large depthwise convolutions with LayerScale",
    )(partial(convnext, name=f"convnext_{_size}", stochastic_depth=_probability))
