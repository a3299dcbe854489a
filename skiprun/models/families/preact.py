"""Pre-activation ResNet for small images: y = shortcut(x) + branch(activation(norm(x))).

Pre-activation (He et al. 2016, figure 4e) leaves the shortcut clean: nothing stands on it from the first
block to the last. In the first block and where shapes change, both paths start from the activated x.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.block import Block, ConnectionMaker, connection_maker
from skiprun.models.layers.conv import conv1x1, conv3x3, stage_channels
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init, preact_norm
from skiprun.models.layers.shortcut import ShortcutKind, make_shortcut
from skiprun.models.layers.three_stages import count_blocks, three_stages
from skiprun.registry import MODELS


class PreactBlock(Block):
    """Norm, activation, 3x3 convolution, twice (He et al. 2016, figure 4e)."""

    expansion: ClassVar[int] = 1
    layers: ClassVar[int] = 2

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int,
        *,
        make_connection: ConnectionMaker,
        shortcut: ShortcutKind,
        norm: Norm,
        activation: Activation,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        out = planes * self.expansion
        self.bn1 = preact_norm(norm, inplanes)
        self.relu = activation()
        self.make_branch(inplanes, planes, stride, norm, dropout)
        self.connection = make_connection(out, out)
        used = self.connection.uses_shortcut
        self.downsample = make_shortcut(shortcut, inplanes, out, stride, norm=None) if used else None
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


class PreactNet(nn.Module):
    """A 3x3 stem, three stages, norm and activation, the mean over the image, one linear layer."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        blocks: int,
        width: float,
        block: type[PreactBlock],
        stem: int = 16,
        *,
        connection: ConnectionFactory,
        norm: Norm,
        activation: Activation,
        shortcut: ShortcutKind,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        make_connection = connection_maker(connection, 3 * blocks)
        make = partial(
            block,
            make_connection=make_connection,
            shortcut=shortcut,
            norm=norm,
            activation=activation,
            dropout=dropout,
        )
        self.conv1 = conv3x3(in_channels, stem)
        self.layer1, self.layer2, self.layer3 = three_stages(make, stem, width, blocks, block.expansion)
        channels = stage_channels(width, 4) * block.expansion
        self.bn1 = norm(channels)
        self.relu = activation()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.avgpool(self.relu(self.bn1(x))).flatten(1))


def preact(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 20,
    width: float = 16,
    shortcut: ShortcutKind = "A",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    *,
    block: type[PreactBlock] = PreactBlock,
) -> nn.Module:
    """Return a pre-activation ResNet of 6n+2 layers, or of 9n+2 with bottlenecks."""
    blocks = count_blocks(depth, 3 * block.layers, 2)
    make = partial(PreactNet, connection=connection, norm=norm, activation=activation)
    return make(num_classes, in_channels, blocks, width, block, stem=stage_channels(width), shortcut=shortcut)


HE = {
    "family": "preact",
    "paper": "He et al. 2016, table 3",
    "connection": "add",
    "year": 2016,
    "input": (3, 32, 32),
}

for _depth in (20, 32, 44, 56, 110):
    _summary = f"Pre-activation ResNet of {_depth} layers for small images"
    MODELS.register(f"preact{_depth}", fixed=("depth",), summary=_summary, **HE)(
        partial(preact, depth=_depth)
    )
for _depth in (164, 1001):
    _summary = f"Pre-activation ResNet of {_depth} layers, bottlenecks, for small images"
    MODELS.register(f"preact{_depth}", fixed=("depth",), summary=_summary, **HE)(
        partial(preact, depth=_depth, shortcut="B", block=PreactBottleneck)
    )
_summary = "Pre-activation ResNet of 6n+2 layers, by `depth`, for small images"
MODELS.register("preact_cifar", summary=_summary, **HE)(preact)
