"""Plain and residual networks for small pictures, of 6n+2 weighted layers (He et al. 2015, section 4.2).

A 3x3 stem, three stages of n blocks with 16, 32 and 64 channels, the stride in the first block of a stage, the mean
over the picture, and one linear layer.
"""

from __future__ import annotations

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.errors import OptionError
from skiprun.models.block import BasicBlock, Norm, conv3x3, numbered
from skiprun.registry import MODELS

PAPER = "He et al. 2015, section 4.2"
DEPTHS = (20, 32, 44, 56, 110, 1202)


def he_init(model: nn.Module) -> None:
    """Draw weights of variance 2 / fan_in (He et al. 2015b, equation 10); connections keep their own."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)


class CifarResNet(nn.Module):
    """6n+2 layers around a connection; input [N, in_channels, H, W], output logits [N, num_classes]."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int,
        width: int = 16,
        shortcut: str = "A",
        norm: Norm = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        blocks, remainder = divmod(depth - 2, 6)
        if remainder or blocks < 1:
            nearest = 6 * max(1, round((depth - 2) / 6)) + 2
            raise OptionError("depth", f"found {depth}; this family has 6n+2 layers, the nearest is {nearest}")
        join = numbered(connection, 3 * blocks)
        self.conv1 = conv3x3(in_channels, width)
        self.bn1 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        inplanes = width
        for stage in range(3):
            planes, stride = width * 2**stage, 1 if stage == 0 else 2
            layer = nn.Sequential()
            for block in range(blocks):
                first = (inplanes, planes, stride if block == 0 else 1)
                layer.append(BasicBlock(*first, norm_layer=norm, join=join, shortcut=shortcut))
                inplanes = planes
            self.add_module(f"layer{stage + 1}", layer)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inplanes, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def enter(name: str, connection: str, fixed_depth: int | None = None) -> None:
    """Register one network of the family; without a fixed depth the config gives it."""

    def build(
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int = fixed_depth or 20,
        width: int = 16,
        shortcut: str = "A",
    ) -> nn.Module:
        if fixed_depth and depth != fixed_depth:
            raise OptionError("depth", f"found {depth}; {name} has {fixed_depth} layers, resnet_cifar takes any")
        return CifarResNet(num_classes, in_channels, connection, depth, width, shortcut)

    kind = "Plain" if connection == "none" else "Residual"
    layers = f"{fixed_depth} layers" if fixed_depth else "6n+2 layers, by `depth`"
    summary = f"{kind} network of {layers} for small pictures"
    facts = {"family": "resnet_cifar", "connection": connection, "summary": summary, "paper": PAPER, "year": 2015}
    MODELS.register(name, input=(3, 32, 32), **facts)(build)


for _depth in DEPTHS:
    enter(f"plain{_depth}", "none", _depth)
for _depth in DEPTHS:
    enter(f"resnet{_depth}", "add", _depth)
enter("resnet_cifar", "add")
enter("plain_cifar", "none")
