"""The block of He et al. 2015: y = activation(connection(shortcut(x), branch(x))).

Both residual blocks have the module names of torchvision's, so that weights of either load into the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.connections import Connection, Site
from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.parts import ACTIVATIONS, Activation, Norm

ConnectionMaker = Callable[[int, int], Connection]
Shortcut = Literal["A", "A_both", "B", "C"]


def count_sites(connection: ConnectionFactory, total: int) -> ConnectionMaker:
    """Return a maker of connections that numbers the sites of a network from the input."""
    index = itertools.count()
    return lambda shortcut, branch: connection(Site(shortcut, branch, next(index), total))


def conv3x3(inplanes: int, planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the size but for its stride."""
    return nn.Conv2d(inplanes, planes, 3, stride, padding=dilation, dilation=dilation, groups=groups, bias=False)


def conv1x1(inplanes: int, planes: int, stride: int = 1) -> nn.Conv2d:
    """Return a 1x1 convolution."""
    return nn.Conv2d(inplanes, planes, 1, stride, bias=False)


class PadShortcut(nn.Module):
    """Shortcut of option A: every stride-th pixel, and zeros as new channels, before and after those of x.

    It has no parameters, so that weights fit whichever side the zeros stand on.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.before, self.after, self.stride = before, after, stride

    def forward(self, x: Tensor) -> Tensor:
        # The mean over one pixel is that pixel; its gradient keeps the layout in memory, which a slice's does not.
        return F.pad(F.avg_pool2d(x, 1, self.stride), (0, 0, 0, 0, self.before, self.after))


def make_shortcut(kind: str, inplanes: int, planes: int, stride: int, norm: Norm | None) -> nn.Module | None:
    """Return the shortcut of He 2015 section 4.1, or None for the identity.

    A pads with zeros where shapes change, B projects there, C everywhere; without a norm the projection is bare. The
    paper does not say where the zeros stand: A has them after the channels of x, A_both half of them on each side.
    """
    same = stride == 1 and inplanes == planes
    if same and kind != "C":
        return None
    if kind.startswith("A"):
        extra = planes - inplanes
        before = extra // 2 if kind == "A_both" else 0
        return PadShortcut(before, extra - before, stride)
    projection = conv1x1(inplanes, planes, stride)
    return projection if norm is None else nn.Sequential(projection, norm(planes))


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
