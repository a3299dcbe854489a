"""Highway networks for small images: a learned gate decides how much of x passes by (Srivastava et al. 2015).

`highway20` and its like are the 6n+2 layers of ResNet with a gate at every block, so that the gate alone
differs from `resnet20` and `plain20`. `highway_full19` and its like are gated at every layer, as in the
paper: three stages that begin with a plain 3x3 convolution and go on with n layers
y = T(x) H(x) + (1 - T(x)) x, where H and T are 3x3 convolutions; 3n+4 layers. The paper gives no table of
widths for small images; here they are those of ResNet. It has no batch normalization: that is `norm: none`.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.families.resnet_cifar import CifarResNet
from skiprun.models.layers.block import Block, ConnectionMaker, connection_maker
from skiprun.models.layers.conv import conv3x3, stage_channels
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.models.layers.three_stages import count_blocks
from skiprun.registry import MODELS


class HighwayLayer(Block):
    """One layer and its site: y = connection(x, activation(norm(conv(x))))."""

    def __init__(
        self, channels: int, make_connection: ConnectionMaker, norm: Norm, activation: Activation
    ) -> None:
        super().__init__()
        self.conv = conv3x3(channels, channels)
        self.bn = norm(channels)
        self.relu = activation()
        self.connection = make_connection(channels, channels)
        self.downsample = None

    def branch(self, x: Tensor) -> Tensor:
        """Return f(x), [N, C, H, W] as x."""
        return self.relu(self.bn(self.conv(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Return y, [N, C, H, W] as x."""
        return self.connection(x, self.branch(x))


class FullHighway(nn.Module):
    """Highway network that is gated at every layer but the first of a stage; 3n+4 layers."""

    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int = 19,
        width: float = 16,
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
    ) -> None:
        super().__init__()
        layers = count_blocks(depth, 3, 4)
        make_connection = connection_maker(connection, 3 * layers)
        channels = stage_channels(width)
        self.conv1 = conv3x3(in_channels, channels)
        self.bn1 = norm(channels)
        self.relu = activation()
        for stage in (1, 2, 3):
            layer = nn.Sequential()
            if stage > 1:
                planes = stage_channels(width, 1 << (stage - 1))
                layer.extend([conv3x3(channels, planes, stride=2), norm(planes), activation()])
                channels = planes
            layer.extend(HighwayLayer(channels, make_connection, norm, activation) for _ in range(layers))
            self.add_module(f"layer{stage}", layer)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


FACTS = {"family": "highway", "connection": "highway", "year": 2015, "input": (3, 32, 32)}
FACTS |= {"paper": "Srivastava et al. 2015, section 3"}
FULL = FACTS | {"connection_options": {"kernel": 3}}

for _depth in (20, 32, 44, 56, 110):
    _summary = f"Highway network of {_depth} layers, a gate at every block, for small images"
    MODELS.register(f"highway{_depth}", fixed=("depth",), summary=_summary, **FACTS)(
        partial(CifarResNet, depth=_depth)
    )
for _depth in (19, 31):
    _summary = f"Highway network of {_depth} layers, a gate at every layer, for small images"
    MODELS.register(f"highway_full{_depth}", fixed=("depth",), summary=_summary, **FULL)(
        partial(FullHighway, depth=_depth)
    )
MODELS.register(
    "highway_full", summary="Highway network of 3n+4 layers, by `depth`, a gate at every layer", **FULL
)(FullHighway)
