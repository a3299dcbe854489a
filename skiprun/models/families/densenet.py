"""DenseNet: every layer sees the outputs of all layers before it (Huang et al. 2017, table 1 and section 3).

A layer adds k channels (the growth rate) to what it was given, y = [x, f(x)]. Transitions between the blocks
halve the size, and with compression also the channels. `bc` stands for bottleneck layers and compression by
one half. With `connection: none` nothing is used again: each layer sees the last one's k channels alone.

Module names are torchvision's, so that weights of densenet121 and its like load into either.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory, fits_unequal_channels
from skiprun.models.layers.block import connection_maker
from skiprun.models.layers.conv import conv3x3
from skiprun.models.layers.dense import DenseDesign, DenseLayer, Transition
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.registry import MODELS


class DenseNet(nn.Module):
    """A stem, dense blocks with transitions between them, norm and activation, the mean, one linear layer."""

    def __init__(
        self,
        num_classes: int,
        stem: nn.Sequential,
        channels: int,
        blocks: Sequence[int],
        compression: float,
        connection: ConnectionFactory,
        design: DenseDesign,
    ) -> None:
        super().__init__()
        make_connection = connection_maker(connection, sum(blocks))
        self.features = stem
        for number, layers in enumerate(blocks, start=1):
            block = nn.Sequential()
            for layer in range(1, layers + 1):
                dense = DenseLayer(channels, make_connection, design)
                block.add_module(f"denselayer{layer}", dense)
                channels = dense.connection.channels
            self.features.add_module(f"denseblock{number}", block)
            if number < len(blocks):
                out = int(channels * compression)
                transition = Transition(channels, out, design.norm, design.activation)
                self.features.add_module(f"transition{number}", transition)
                channels = out
        self.features.add_module(f"norm{len(blocks) + 1}", design.norm(channels))
        self.relu = design.activation()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)
        he_init(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K] of images [N, C, H, W]."""
        return self.classifier(self.avgpool(self.relu(self.features(x))).flatten(1))


def small_stem(in_channels: int, channels: int) -> nn.Sequential:
    """Return one 3x3 convolution."""
    stem = nn.Sequential()
    stem.add_module("conv0", conv3x3(in_channels, channels))
    return stem


def imagenet_stem(in_channels: int, channels: int, norm: Norm, activation: Activation) -> nn.Sequential:
    """Return a 7x7 convolution and a pooling, each with stride 2."""
    stem = nn.Sequential()
    stem.add_module("conv0", nn.Conv2d(in_channels, channels, 7, stride=2, padding=3, bias=False))
    stem.add_module("norm0", norm(channels))
    stem.add_module("relu0", activation())
    stem.add_module("pool0", nn.MaxPool2d(3, stride=2, padding=1))
    return stem


def densenet_imagenet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    stem: Literal["imagenet", "small"] = "imagenet",
    dropout: float = 0.0,
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    *,
    blocks: Sequence[int],
    growth: int,
) -> nn.Module:
    """Return four dense blocks of bottlenecks with compression; `stem: small` suits images of 32 pixels.

    Options:
        dropout: probability that a value behind a layer is blanked in training.
        growth: channels that each layer adds.
    """
    channels = 2 * growth
    first = small_stem(in_channels, channels)
    if stem == "imagenet":
        first = imagenet_stem(in_channels, channels, norm, activation)
    design = DenseDesign(growth, True, norm, activation, dropout)
    return DenseNet(num_classes, first, channels, blocks, 0.5, connection, design)


FACTS = {"connection": "concat", "fits": fits_unequal_channels, "year": 2017, "width": "growth"}
IMAGENET = {"family": "densenet", "input": (3, 224, 224), "paper": "Huang et al. 2017, table 1"} | FACTS

for _depth, _blocks, _growth in (
    (121, (6, 12, 24, 16), 32),
    (161, (6, 12, 36, 24), 48),
    (169, (6, 12, 32, 32), 32),
    (201, (6, 12, 48, 32), 32),
):
    MODELS.register(
        f"densenet{_depth}", summary=f"DenseNet-BC of {_depth} layers for large images", **IMAGENET
    )(partial(densenet_imagenet, blocks=_blocks, growth=_growth))
