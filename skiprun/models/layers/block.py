"""The block of He et al. 2015: y = activation(connection(shortcut(x), branch(x))).

Both residual blocks have the module names of torchvision's, so that weights of either load into the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from skiprun.connections import Connection, Site
from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.conv import conv1x1, conv3x3
from skiprun.models.layers.norm_act import ACTIVATIONS, Activation, Norm
from skiprun.models.layers.shortcut import ShortcutKind, make_shortcut

# Takes the channels of x and of f(x); a ConnectionFactory takes the whole site.
ConnectionMaker = Callable[[int, int], Connection]


def connection_maker(connection: ConnectionFactory, total: int) -> ConnectionMaker:
    """Return what makes the connections of a network: call it once a site, from the input to the output."""
    index = itertools.count()
    return lambda x_channels, fx_channels: connection(Site(x_channels, fx_channels, next(index), total))


class Block(nn.Module):
    """A connection site with its branch and its shortcut."""

    connection: Connection
    downsample: nn.Module | None  # None: the identity
    relu: nn.Module  # any activation; the name is torchvision's

    def shortcut(self, x: Tensor) -> Tensor:
        """Return what skips the branch: x, or its projection where shapes change."""
        return x if self.downsample is None else self.downsample(x)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), before the connection."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return y, [N, out, H / stride, W / stride], of x [N, C, H, W]."""
        return self.relu(self.connection(self.shortcut(x), self.branch(x)))


class ResidualBlock(Block):
    """Base of the two blocks of He et al. 2015.

    The first eight arguments are torchvision's, so that its ResNet can build the block. The `downsample` that
    it passes is ignored: `self.downsample` is made here, of the kind that `shortcut` names.
    """

    expansion: ClassVar[int]
    layers: ClassVar[int]

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        _downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm = nn.BatchNorm2d,
        *,
        make_connection: ConnectionMaker,
        shortcut: ShortcutKind = "B",
        activation: Activation = ACTIVATIONS["relu"],
    ) -> None:
        super().__init__()
        out = planes * self.expansion
        width = int(planes * (base_width / 64.0)) * groups
        self.make_branch(inplanes, width, out, norm_layer, stride=stride, groups=groups, dilation=dilation)
        self.relu = activation()
        self.connection = make_connection(out, out)
        used = self.connection.uses_shortcut
        self.downsample = make_shortcut(shortcut, inplanes, out, stride, norm_layer) if used else None

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv_options: int) -> None:
        """Make the layers of f; `conv_options` are stride, groups and dilation of its first 3x3."""
        raise NotImplementedError


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions (He et al. 2015, figure 5 left)."""

    expansion = 1
    layers = 2

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv_options: int) -> None:
        """Make two 3x3 convolutions with their norms; the first has `conv_options`."""
        self.conv1 = conv3x3(inplanes, width, **conv_options)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, out)
        self.bn2 = norm(out)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride]."""
        out = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(out))


class Bottleneck(ResidualBlock):
    """1x1, 3x3, 1x1 convolutions (He et al. 2015, figure 5 right), the stride in the 3x3 as in torchvision.

    With `groups` it is ResNeXt's (Xie et al. 2017, figure 3c), with a larger `base_width` that of Wide
    ResNet-50-2.
    """

    expansion = 4
    layers = 3

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv_options: int) -> None:
        """Make three convolutions with their norms; the 3x3 has `conv_options`."""
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, **conv_options)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, out)
        self.bn3 = norm(out)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride]."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.bn3(self.conv3(out))
