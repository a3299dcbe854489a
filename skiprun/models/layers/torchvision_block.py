"""Turn the residual additions of torchvision's networks into connection sites, and adapt their stem.

torchvision's inverted residuals and ConvNeXt blocks add x to their branch themselves. Here the addition
becomes a site: a block of ours takes over the branch under the same names, so that weights of either load
into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.block import Block, ConnectionMaker, connection_maker
from skiprun.models.layers.norm_act import NORMS, Activation, Norm, he_init

if TYPE_CHECKING:  # torchvision takes a second to import
    from torchvision.models.mobilenetv2 import InvertedResidual

# What torchvision puts between layers; the gates of squeeze and excitation are others.
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.GELU)


class TorchvisionBlock(Block):
    """A torchvision block whose addition has become a connection; x passes as it is, and nothing follows."""

    def __init__(
        self, theirs: InvertedResidual, make_connection: ConnectionMaker, channels: int | None = None
    ) -> None:
        super().__init__()
        channels = channels or theirs.out_channels
        for name, child in theirs.named_children():
            self.add_module(name, child)
        self.connection = make_connection(channels, channels)
        self.downsample, self.relu = None, nn.Identity()


def insert_connections(
    network: nn.Module, connection: ConnectionFactory, ours: Mapping[type, type[TorchvisionBlock]]
) -> None:
    """Replace torchvision's blocks that have a shortcut by ours, from the input to the output."""
    found = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) in ours and getattr(child, "use_res_connect", True)
    ]
    make_connection = connection_maker(connection, len(found))
    for parent, name, child in found:
        setattr(parent, name, ours[type(child)](child, make_connection))


def replace_norms_and_activations(
    network: nn.Module, norm: Norm | None, activation: Activation | None
) -> None:
    """Replace torchvision's batch norms and activations; None leaves them as they are."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if norm and isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, norm(child.num_features))
            elif activation and isinstance(child, ACTIVATIONS):
                setattr(parent, name, activation())
            elif activation and isinstance(child, nn.Dropout):
                child.inplace = False  # unlike torchvision's, some activations need their output once more
    if norm is NORMS["none"]:
        # torchvision counts on norms: without them its first weights let depthwise layers' signal vanish.
        he_init(network)


def adapt_stem(network: nn.Module, in_channels: int, **changes: Any) -> None:
    """Replace the first convolution where the images' channels or the stem ask for another."""
    path, old = next((path, each) for path, each in network.named_modules() if isinstance(each, nn.Conv2d))
    if in_channels == old.in_channels and not changes:
        return
    shape = {"kernel_size": old.kernel_size, "stride": old.stride, "padding": old.padding} | changes
    new = nn.Conv2d(in_channels, old.out_channels, bias=old.bias is not None, **shape)
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    if new.bias is not None:
        nn.init.zeros_(new.bias)
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)
