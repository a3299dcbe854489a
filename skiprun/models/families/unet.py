"""U-Net: an encoder that halves the size, a decoder that doubles it, and long skips between them
(Ronneberger et al. 2015, figure 1, with padded convolutions and batch normalization).

Level 0 has the size of the image, level `depth` is the bottom. At each level the decoder joins what comes from below,
f(x), with what the encoder had at that level, x: y = [x, f(x)] in the paper. The join is a connection, so `add`,
`none` and `attention_gate` (Oktay et al. 2018) are experiments in one word.

Outputs: one logit a class and pixel; two classes share one logit, that of the second, unless `one_logit: false`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.connections.base import ConnectionFactory
from skiprun.connections.none import NoConnection
from skiprun.errors import OptionError
from skiprun.models.layers.block import BasicBlock, ConnectionMaker, count_sites
from skiprun.models.layers.parts import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.registry import CONNECTIONS, MODELS

MakeStage = Callable[[int, int], nn.Module]
UpKind = Literal["transposed", "bilinear"]


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each with norm and activation; they have a bias where no norm follows."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
        bias: bool = False,
    ) -> None:
        super().__init__()
        bias = bias or norm is NORMS["none"]
        self.conv1 = nn.Conv2d(inplanes, planes, 3, padding=1, bias=bias)
        self.bn1 = norm(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=bias)
        self.bn2 = norm(planes)
        self.relu = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)))


class Decoder(nn.Module):
    """One level on the way up: double the size, join with the encoder's x, and convolve."""

    def __init__(self, below: int, planes: int, up: UpKind, join: ConnectionMaker, stage: MakeStage) -> None:
        super().__init__()
        self.up = make_up(below, planes, up)
        self.connection = join(planes, planes)
        self.stage = stage(self.connection.channels, planes)

    def forward(self, x: Tensor, below: Tensor) -> Tensor:
        return self.stage(self.connection(x, self.up(below)))


class UNet(nn.Module):
    """Encoder, decoder and long skips; input [N, C, H, W] of any size, output logits [N, K, H, W]."""

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int = 4,
        width: int = 64,
        up: UpKind = "transposed",
        skip_levels: str = "",
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
        bias: bool = False,
        one_logit: bool = True,
        stage: MakeStage | None = None,
    ) -> None:
        super().__init__()
        if not 2 <= depth <= 5:
            raise OptionError("depth", f"found {depth}; a U-Net has 2 to 5 levels of skips")
        stage = stage or partial(DoubleConv, norm=norm, activation=activation, bias=bias)
        planes = [width << level for level in range(depth + 1)]
        levels = read_levels(skip_levels, depth)
        join = count_sites(connection, depth)
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(map(stage, [in_channels, *planes[:-1]], planes))
        self.decoder = nn.ModuleList(
            Decoder(planes[level + 1], planes[level], up, join if levels[level] else no_skip(join), stage)
            for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(width, logits(num_classes, one_logit), 1)
        he_init(self)
        init_ups(self)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        x = pad_to_multiple(x, 1 << len(self.decoder))
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(self.pool(x) if skips else x)
            skips.append(x)
        skips.pop()
        for decoder in self.decoder:
            x = decoder(skips.pop(), x)
        return self.head(x)[..., :height, :width]


def make_up(below: int, planes: int, up: UpKind) -> nn.Module:
    """Return what doubles the size and brings the channels to the level's.

    A transposed 2x2 convolution, as in the paper, or bilinear interpolation behind a 1x1 convolution.
    """
    if up == "transposed":
        return nn.ConvTranspose2d(below, planes, 2, stride=2)
    return nn.Sequential(nn.Conv2d(below, planes, 1), nn.Upsample(scale_factor=2, mode="bilinear"))


def logits(num_classes: int, one_logit: bool) -> int:
    """Return the output channels: one for two classes, unless each is to have its own."""
    return 1 if num_classes == 2 and one_logit else num_classes


def read_levels(text: str, depth: int) -> list[bool]:
    """Return which levels have a skip, the finest first; nothing said is all."""
    text = text or "1" * depth
    if len(text) != depth or set(text) - {"0", "1"}:
        example = "1" * (depth - 1) + "0"
        raise OptionError(
            "skip_levels",
            f"found '{text}'; a network of depth {depth} takes {depth} digits 0 or 1, the finest level first, "
            f"such as {example}",
        )
    return [digit == "1" for digit in text]


def no_skip(join: ConnectionMaker) -> ConnectionMaker:
    """Return a maker of sites without a skip, numbered with the others."""

    def make(shortcut: int, branch: int) -> Connection:
        return NoConnection(join(shortcut, branch).site)

    return make


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of images until both sides are multiples."""
    height, width = x.shape[2:]
    below, right = -height % multiple, -width % multiple
    return F.pad(x, (0, right, 0, below), mode="replicate") if below or right else x


def init_ups(model: nn.Module) -> None:
    """Draw transposed convolutions of variance 2 / fan_in: each output pixel has one input pixel."""
    for module in model.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=math.sqrt(2 / module.in_channels))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def resunet(
    num_classes: int,
    in_channels: int,
    connection: ConnectionFactory,
    depth: int = 4,
    width: int = 64,
    up: UpKind = "transposed",
    skip_levels: str = "",
    norm: Norm = NORMS["batch"],
    activation: Activation = ACTIVATIONS["relu"],
    block_connection: str = "add",
    one_logit: bool = True,
) -> nn.Module:
    """Return a U-Net whose double convolutions are residual blocks with connections of their own.

    `connection` is that of the long skips, `block_connection` that within the blocks.
    """
    chosen = CONNECTIONS[block_connection].target
    if chosen.grows:
        raise OptionError("block_connection", f"'{block_connection}' does not fit a block; it adds channels")
    stage = partial(BasicBlock, norm_layer=norm, join=count_sites(chosen, 2 * depth + 1), activation=activation)
    return UNet(
        num_classes, in_channels, connection, depth, width, up, skip_levels, norm, one_logit=one_logit, stage=stage
    )


FACTS = {
    "task": "segmentation",
    "connection": "concat",
    "fits": lambda connection: True,
    "input": (3, 256, 256),
}
MODELS.register(
    "unet",
    family="unet",
    year=2015,
    paper="Ronneberger et al. 2015",
    summary="U-Net for masks, by `depth` and `width`",
    **FACTS,
)(UNet)
MODELS.register(
    "resunet",
    family="resunet",
    year=2018,
    paper="Zhang et al. 2018",
    summary="U-Net of residual blocks for masks",
    **FACTS,
)(resunet)
