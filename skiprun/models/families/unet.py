"""U-Net: an encoder that halves the size, a decoder that doubles it, and long skips between them.

Ronneberger et al. 2015, figure 1, with padded convolutions and batch normalization. Level 0 has the size of
the image, level `depth` is the bottom. At each level the decoder joins what comes from below, f(x), with what
the encoder had at that level, x: y = [x, f(x)] in the paper. The join is a connection, so `add`, `none` and
`attention_gate` (Oktay et al. 2018) are experiments in one word.

Outputs: one logit a class and pixel; two classes share one logit, that of the second, unless
`one_logit: false`.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory
from skiprun.errors import OptionError
from skiprun.models.layers.block import ConnectionMaker, connection_maker
from skiprun.models.layers.conv import stage_channels
from skiprun.models.layers.encoder_decoder import (
    DoubleConv,
    MakeStage,
    UpKind,
    crop,
    init_upsampling,
    no_skip,
    num_logits,
    pad_to_multiple,
    parse_skip_levels,
    upsampling,
)
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.registry import MODELS


class Decoder(nn.Module):
    """One level on the way up: double the size, join with the encoder's x, and convolve."""

    def __init__(
        self, inplanes: int, planes: int, up: UpKind, make_connection: ConnectionMaker, stage: MakeStage
    ) -> None:
        super().__init__()
        self.up = upsampling(inplanes, planes, up)
        self.connection = make_connection(planes, planes)
        self.stage = stage(self.connection.channels, planes)

    def forward(self, x: Tensor, below: Tensor) -> Tensor:
        """Return this level [N, planes, 2h, 2w], of the encoder's x and `below` [N, C, h, w]."""
        return self.stage(self.connection(x, self.up(below)))


class UNet(nn.Module):
    """Encoder, decoder and long skips; input [N, C, H, W] of any size, output logits [N, K, H, W].

    Options:
        bias: give the convolutions a bias in front of a norm too.
        one_logit: whether two classes share one logit, that of the second.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        connection: ConnectionFactory,
        depth: int = 4,
        width: float = 64,
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
        planes = [stage_channels(width, 1 << level) for level in range(depth + 1)]
        levels = parse_skip_levels(skip_levels, depth)
        make_connection = connection_maker(connection, depth)
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(map(stage, [in_channels, *planes[:-1]], planes))
        self.decoder = nn.ModuleList(
            Decoder(
                planes[level + 1],
                planes[level],
                up,
                make_connection if levels[level] else no_skip(make_connection),
                stage,
            )
            for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(planes[0], num_logits(num_classes, one_logit), 1)
        he_init(self)
        init_upsampling(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K, H, W] of images [N, C, H, W]."""
        height, width = x.shape[2:]
        x = pad_to_multiple(x, 1 << len(self.decoder))
        skips: list[Tensor] = []
        for stage in self.encoder:
            x = stage(self.pool(x) if skips else x)
            skips.append(x)
        skips.pop()
        for decoder in self.decoder:
            x = decoder(skips.pop(), x)
        return crop(self.head(x), height, width)


FACTS = {
    "task": "segmentation",
    "connection": "concat",
    "fits": lambda _: True,
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
