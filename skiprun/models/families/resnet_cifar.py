"""Plain and residual networks for small images, of 6n+2 weighted layers (He et al. 2015, section 4.2).

A 3x3 stem, three stages of n blocks with 16, 32 and 64 channels, the stride in the first block of a stage,
the mean over the image, and one linear layer. Bottleneck blocks make it 9n+2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.errors import OptionError
from skiprun.models.layers.block import BasicBlock, ResidualBlock, connection_maker
from skiprun.models.layers.conv import conv3x3, stage_channels
from skiprun.models.layers.fixup import Bias, FixupBlock, fixup_init
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.models.layers.shortcut import ShortcutKind
from skiprun.models.layers.three_stages import count_blocks, three_stages
from skiprun.registry import MODELS

DEPTHS = (20, 32, 44, 56, 110, 1202)


class CifarResNet(nn.Module):
    """ResNet of 6n+2 layers, joined by `connection`; with `none` it is the plain network.

    Input [N, in_channels, H, W], output logits [N, num_classes].
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int = 20,
        width: float = 16,
        shortcut: ShortcutKind = "A",
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
        init: Literal["he", "fixup"] = "he",
        block: type[ResidualBlock] = BasicBlock,
        **block_options: int,
    ) -> None:
        super().__init__()
        fixup = init == "fixup"
        if fixup and norm is not NORMS["none"]:
            raise OptionError(
                "init", "found fixup, which is for networks without normalization; add norm: none"
            )
        blocks = count_blocks(depth, period=3 * block.layers, others=2)
        kind: Callable[..., nn.Module] = FixupBlock if fixup else block
        make_block = partial(
            kind,
            norm_layer=norm,
            make_connection=connection_maker(connection, 3 * blocks),
            shortcut=shortcut,
            activation=activation,
            **block_options,
        )
        stem = stage_channels(width)
        self.conv1 = conv3x3(in_channels, stem)
        self.bn1 = Bias() if fixup else norm(stem)
        self.relu = activation()
        self.layer1, self.layer2, self.layer3 = three_stages(
            make_block, inplanes=stem, width=width, blocks=blocks, expansion=block.expansion
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.bias2 = Bias() if fixup else nn.Identity()  # Fixup has one before the linear layer too
        self.fc = nn.Linear(stage_channels(width, 4) * block.expansion, num_classes)
        he_init(self)
        if fixup:
            fixup_init(self, self.conv1, self.fc)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        x = self.relu(self.bn1(self.conv1(x)))  # [N, width, H, W]
        x = self.layer3(self.layer2(self.layer1(x)))  # [N, 4 * width * expansion, H / 4, W / 4]
        return self.fc(self.bias2(self.avgpool(x).flatten(1)))


def register_cifar_resnet(name: str, connection: str, depth: int | None = None) -> None:
    """Register one network of the family; without a depth here, `depth` is an option of the config."""
    kind = "Plain" if connection == "none" else "Residual"
    layers = f"{depth} layers" if depth else "6n+2 layers, by `depth`,"
    MODELS.register(
        name,
        family="resnet_cifar",
        connection=connection,
        year=2015,
        paper="He et al. 2015, section 4.2",
        input=(3, 32, 32),
        summary=f"{kind} network of {layers} for small images",
        fixed=("depth",) if depth else (),
    )(partial(CifarResNet, depth=depth) if depth else CifarResNet)


for _depth in DEPTHS:
    register_cifar_resnet(f"plain{_depth}", "none", _depth)
for _depth in DEPTHS:
    register_cifar_resnet(f"resnet{_depth}", "add", _depth)
register_cifar_resnet("resnet_cifar", "add")
register_cifar_resnet("plain_cifar", "none")
