"""Pre-activation blocks: y = shortcut(x) + branch(activation(norm(x))) (He et al. 2016, figure 4e)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from skiprun.models.layers.block import Block, ConnectionMaker
from skiprun.models.layers.conv import conv1x1, conv3x3
from skiprun.models.layers.norm_act import Activation, Norm, preact_norm
from skiprun.models.layers.shortcut import ShortcutKind, make_shortcut


@dataclass(frozen=True)
class PreactDesign:
    """What all blocks of a network have in common.

    Attributes:
        make_connection: makes the connection of each, from the input to the output.
        shortcut, norm, activation: kinds of what stands on the shortcut and in the branch.
        dropout: probability that a value between the two convolutions is blanked in training.
    """

    make_connection: ConnectionMaker
    shortcut: ShortcutKind
    norm: Norm
    activation: Activation
    dropout: float = 0.0


class PreactBlock(Block):
    """Norm, activation, 3x3 convolution, twice (He et al. 2016, figure 4e)."""

    expansion: ClassVar[int] = 1
    layers: ClassVar[int] = 2

    def __init__(self, inplanes: int, planes: int, stride: int, design: PreactDesign) -> None:
        super().__init__()
        out = planes * self.expansion
        self.bn1 = preact_norm(design.norm, inplanes)
        self.relu = design.activation()
        self.make_branch(inplanes, planes, stride, design.norm, design.dropout)
        self.connection = design.make_connection(out, out)
        used = self.connection.uses_shortcut
        self.downsample = make_shortcut(design.shortcut, inplanes, out, stride, norm=None) if used else None
        self.shared = self.connection.site.index == 0 or self.downsample is not None

    def make_branch(self, inplanes: int, planes: int, stride: int, norm: Norm, dropout: float) -> None:
        """Make the layers behind the first activation."""
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn2 = norm(planes)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = conv3x3(planes, planes)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride], of x behind the first norm and activation."""
        out = self.conv1(x)
        return self.conv2(self.dropout(self.relu(self.bn2(out))))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, [N, out, H / stride, W / stride], of x [N, C, H, W]; nothing follows the connection."""
        ready = self.relu(self.bn1(x))
        return self.connection(self.shortcut(ready if self.shared else x), self.branch(ready))


class PreactBottleneck(PreactBlock):
    """Norm, activation and a convolution of 1x1, 3x3 and 1x1."""

    expansion: ClassVar[int] = 4
    layers: ClassVar[int] = 3

    def make_branch(self, inplanes: int, planes: int, stride: int, norm: Norm, _dropout: float) -> None:
        """Make the layers behind the first activation; there is no dropout among them."""
        self.conv1 = conv1x1(inplanes, planes)
        self.bn2 = norm(planes)
        self.conv2 = conv3x3(planes, planes, stride)
        self.bn3 = norm(planes)
        self.conv3 = conv1x1(planes, planes * self.expansion)

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, out, H / stride, W / stride], of x behind the first norm and activation."""
        out = self.conv1(x)
        out = self.conv2(self.relu(self.bn2(out)))
        return self.conv3(self.relu(self.bn3(out)))
