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
from skiprun.models.layers.parts import ACTIVATIONS, Activation, Norm
from skiprun.models.layers.shortcut import make_shortcut

ConnectionMaker = Callable[[int, int], Connection]


def count_sites(connection: ConnectionFactory, total: int) -> ConnectionMaker:
    """Return a maker of connections that numbers the sites of a network from the input."""
    index = itertools.count()
    return lambda shortcut, branch: connection(Site(shortcut, branch, next(index), total))


class Block(nn.Module):
    """A connection site with its branch and its shortcut."""

    connection: Connection
    downsample: nn.Module | None
    relu: nn.Module

    def shortcut(self, x: Tensor) -> Tensor:
        """Return what skips the branch: x, or its projection where shapes change."""
        return x if self.downsample is None else self.downsample(x)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), before the connection."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.connection(self.shortcut(x), self.branch(x)))


class ResidualBlock(Block):
    """What the two blocks of He et al. 2015 share: convolutions, a connection, the activation behind it.

    The first eight arguments are those that torchvision's ResNet hands to a block. Its `downsample` is not used: the
    block makes the shortcut of its own kind, under the same name.
    """

    expansion: ClassVar[int]
    layers: ClassVar[int]

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Norm = nn.BatchNorm2d,
        *,
        join: ConnectionMaker,
        shortcut: str = "B",
        activation: Activation = ACTIVATIONS["relu"],
    ) -> None:
        super().__init__()
        out = planes * self.expansion
        width = int(planes * (base_width / 64.0)) * groups
        self.make_branch(inplanes, width, out, norm_layer, stride=stride, groups=groups, dilation=dilation)
        self.relu = activation()
        self.connection = join(out, out)
        used = self.connection.uses_shortcut
        self.downsample = make_shortcut(shortcut, inplanes, out, stride, norm_layer) if used else None

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv: int) -> None:
        """Make the layers of f; `conv` is the stride, the groups and the dilation of its first 3x3 convolution."""
        raise NotImplementedError


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions (He et al. 2015, figure 5 left)."""

    expansion = 1
    layers = 2

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv: int) -> None:
        self.conv1 = conv3x3(inplanes, width, **conv)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, out)
        self.bn2 = norm(out)

    def branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(out))


class Bottleneck(ResidualBlock):
    """1x1, 3x3, 1x1 convolutions (He et al. 2015, figure 5 right), with the stride in the 3x3 as torchvision has it.

    With `groups` it is ResNeXt's (Xie et al. 2017, figure 3c), with a larger `base_width` that of Wide ResNet-50-2.
    """

    expansion = 4
    layers = 3

    def make_branch(self, inplanes: int, width: int, out: int, norm: Norm, **conv: int) -> None:
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, **conv)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, out)
        self.bn3 = norm(out)

    def branch(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        return self.bn3(self.conv3(out))
