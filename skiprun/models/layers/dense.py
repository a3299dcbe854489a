"""The layers of DenseNets (Huang et al. 2017, section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from skiprun.models.layers.block import Block, ConnectionMaker
from skiprun.models.layers.conv import conv1x1, conv3x3
from skiprun.models.layers.norm_act import Activation, Norm, preact_norm


@dataclass(frozen=True)
class DenseDesign:
    """What all layers of a network have in common.

    Attributes:
        growth: channels that each adds, k.
        bottleneck: whether a 1x1 convolution to 4k channels stands before the 3x3.
        norm, activation: kinds of what stands before each convolution.
        dropout: probability that a value behind a layer is blanked in training.
    """

    growth: int
    bottleneck: bool
    norm: Norm
    activation: Activation
    dropout: float


class DenseLayer(Block):
    """Norm, activation, 3x3 convolution to k channels; in a bottleneck a 1x1 to 4k likewise before it."""

    def __init__(self, channels: int, make_connection: ConnectionMaker, design: DenseDesign) -> None:
        super().__init__()
        growth, self.bottleneck = design.growth, design.bottleneck
        width = 4 * growth if self.bottleneck else channels
        self.norm1 = preact_norm(design.norm, channels)
        self.relu = design.activation()
        self.conv1 = conv1x1(channels, width) if self.bottleneck else conv3x3(channels, growth)
        if self.bottleneck:
            self.norm2 = design.norm(width)
            self.conv2 = conv3x3(width, growth)
        self.dropout = nn.Dropout(design.dropout)
        self.connection = make_connection(channels, growth)
        self.downsample = None

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), the new channels [N, growth, H, W]."""
        out = self.conv1(self.relu(self.norm1(x)))
        if self.bottleneck:
            out = self.conv2(self.relu(self.norm2(out)))
        return self.dropout(out)

    def forward(self, x: Tensor) -> Tensor:
        """Return y, with `concat` the channels of x and f(x), [N, C + growth, H, W]."""
        return self.connection(x, self.branch(x))


class Transition(nn.Sequential):
    """Norm, activation, 1x1 convolution and the mean over 2x2 pixels."""

    def __init__(self, channels: int, out: int, norm: Norm, activation: Activation) -> None:
        super().__init__()
        self.norm = norm(channels)
        self.relu = activation()
        self.conv = conv1x1(channels, out)
        self.pool = nn.AvgPool2d(2)
