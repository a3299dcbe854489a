"""ResNet for ImageNet and its plain twin (He et al. 2015, table 1): torchvision's network, built of our blocks.

Parameters, state-dict names and outputs are those of torchvision's models of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import nn

from skiprun.connections.base import ConnectionFactory
from skiprun.models.block import BasicBlock, Bottleneck, numbered
from skiprun.registry import MODELS
from skiprun.vision import torchvision

PAPER = "He et al. 2015, table 1"


def imagenet_resnet(
    block: type[BasicBlock] | type[Bottleneck],
    layers: Sequence[int],
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    shortcut: str = "B",
    stem: str = "imagenet",
    **torchvision_options: Any,
) -> nn.Module:
    """Return torchvision's ResNet with our blocks in it; `stem: small` suits pictures of 32 pixels and less."""
    make_block = partial(block, join=numbered(connection, sum(layers)), shortcut=shortcut)
    make_block.expansion = block.expansion  # type: ignore[attr-defined]  # torchvision reads it off the class
    network = torchvision.models.ResNet(make_block, list(layers), num_classes=num_classes, **torchvision_options)
    if stem == "small":
        network.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif in_channels != 3:
        network.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    return network  # type: ignore[no-any-return]


def enter(name: str, connection: str, block: type[Any], layers: Sequence[int], **options: Any) -> None:
    """Register one network of the family."""

    def build(
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        shortcut: str = "B",
        stem: str = "imagenet",
    ) -> nn.Module:
        return imagenet_resnet(block, layers, num_classes, in_channels, connection, shortcut, stem, **options)

    kind = "Plain twin of ResNet" if connection == "none" else "ResNet"
    depth = "".join(filter(str.isdigit, name))
    facts = {"family": "resnet", "connection": connection, "summary": f"{kind} of {depth} layers for large pictures"}
    MODELS.register(name, input=(3, 224, 224), paper=PAPER, year=2015, **facts)(build)


SIZES: dict[int, tuple[type[Any], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}
for _depth, (_block, _layers) in SIZES.items():
    enter(f"plain{_depth}", "none", _block, _layers)
    enter(f"resnet{_depth}", "add", _block, _layers)
