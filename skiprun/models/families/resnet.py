"""ResNet for ImageNet, its plain twin, ResNeXt and Wide ResNet-50-2: torchvision's, built of our blocks.

ResNet is He et al. 2015, table 1; ResNeXt is Xie et al. 2017, table 1; the wide bottleneck is Zagoruyko and
Komodakis 2016, table 8. Parameters, state-dict names and outputs are those of torchvision's models of the
same name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from torch import nn

from skiprun.connections import sites
from skiprun.connections.base import ConnectionFactory
from skiprun.models.layers.block import BasicBlock, Bottleneck, ResidualBlock, connection_maker
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.models.layers.shortcut import ShortcutKind
from skiprun.registry import MODELS


def imagenet_resnet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    shortcut: ShortcutKind = "B",
    stem: Literal["imagenet", "small"] = "imagenet",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    *,
    block: type[ResidualBlock],
    layers: Sequence[int],
    **widths: int,
) -> nn.Module:
    """Return torchvision's ResNet with our blocks in it; `stem: small` suits images of 32 pixels and less."""
    from skiprun.system.torchvision_repair import torchvision

    make_connection = connection_maker(connection, sum(layers))
    make_block: Any = partial(
        block, make_connection=make_connection, shortcut=shortcut, activation=activation
    )
    make_block.expansion = block.expansion  # torchvision reads it off the class
    network = torchvision.models.ResNet(make_block, list(layers), num_classes, norm_layer=norm, **widths)
    network.relu = activation()
    if stem == "small":
        network.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif in_channels != 3:
        network.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    for site in sites(network).values():
        site.reset_parameters()
    made: nn.Module = network
    return made


SIZES: dict[int, tuple[type[ResidualBlock], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


def register_resnet(
    name: str, depth: int, summary: str, year: int, paper: str, connection: str = "add", **widths: int
) -> None:
    """Register one network of the family."""
    block, layers = SIZES[depth]
    facts = {"input": (3, 224, 224), "summary": summary, "year": year, "paper": paper}
    build: Callable[..., nn.Module] = partial(imagenet_resnet, block=block, layers=layers)
    MODELS.register(name, family="resnet", connection=connection, **facts)(partial(build, **widths))


for _depth in SIZES:
    _he = (2015, "He et al. 2015, table 1")
    register_resnet(
        f"plain{_depth}", _depth, f"Plain twin of ResNet of {_depth} layers for large images", *_he, "none"
    )
    register_resnet(f"resnet{_depth}", _depth, f"ResNet of {_depth} layers for large images", *_he)
for _depth, _groups, _width in ((50, 32, 4), (101, 32, 8), (101, 64, 4)):
    _summary = f"ResNeXt of {_depth} layers, {_groups} groups of {_width} channels, for large images"
    _paper = "Xie et al. 2017, table 1"
    _name = f"resnext{_depth}_{_groups}x{_width}d"
    register_resnet(_name, _depth, _summary, 2017, _paper, groups=_groups, width_per_group=_width)
for _depth in (50, 101):
    _summary = f"ResNet of {_depth} layers with bottlenecks twice as wide, for large images"
    _paper = "Zagoruyko and Komodakis 2016, table 8"
    register_resnet(f"wide_resnet{_depth}_2", _depth, _summary, 2016, _paper, width_per_group=128)
