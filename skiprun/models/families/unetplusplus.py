"""UNet++: encoder and decoder joined by a grid of nodes, each fed by those before it and the one below.

X(i, j) = H([X(i, 0), ..., X(i, j-1)], Up(X(i+1, j-1))) on level i, column j (Zhou et al. 2018, equation 1).
The join of what the level has with what comes from below is the connection, so it takes `concat`, `none` and
the attention gate. Deep supervision gives every node of the finest level an output: in training all are
returned, [heads, N, K, H, W], afterwards their mean.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from skiprun.connections.base import ConnectionFactory, fits_unequal_channels
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
)
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm, he_init
from skiprun.registry import MODELS


class Node(nn.Module):
    """X(i, j): join the nodes before on the level with the one below, doubled in size, and convolve."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        before: int,
        up: UpKind,
        make_connection: ConnectionMaker,
        stage: MakeStage,
    ) -> None:
        super().__init__()
        transposed = up == "transposed"
        # Bilinear interpolation keeps the channels, as in the widely used layout of 9,163,329 parameters.
        self.up = (
            nn.ConvTranspose2d(inplanes, planes, 2, 2)
            if transposed
            else nn.Upsample(scale_factor=2, mode="bilinear")
        )
        self.connection = make_connection(before * planes, planes if transposed else inplanes)
        self.stage = stage(self.connection.channels, planes)

    def forward(self, level: list[Tensor], below: Tensor) -> Tensor:
        """Return X(i, j) [N, planes, 2h, 2w], of all nodes before it and the one below [N, C, h, w]."""
        return self.stage(self.connection(torch.cat(level, 1), self.up(below)))


class UNetPlusPlus(nn.Module):
    """The grid; input [N, C, H, W] of any size, output logits [N, K, H, W], in training one per head.

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
        width: float = 32,
        up: UpKind = "transposed",
        skip_levels: str = "",
        deep_supervision: bool = False,
        norm: Norm = NORMS["batch"],
        activation: Activation = ACTIVATIONS["relu"],
        bias: bool = False,
        one_logit: bool = True,
    ) -> None:
        super().__init__()
        if not 2 <= depth <= 5:
            raise OptionError("depth", f"found {depth}; a UNet++ has 2 to 5 levels of skips")
        stage = partial(DoubleConv, norm=norm, activation=activation, bias=bias)
        planes = [stage_channels(width, 1 << level) for level in range(depth + 1)]
        levels = parse_skip_levels(skip_levels, depth)
        make_connection = connection_maker(connection, depth * (depth + 1) // 2)
        self.depth = depth
        self.pool = nn.MaxPool2d(2)
        self.encoder = nn.ModuleList(map(stage, [in_channels, *planes[:-1]], planes))
        self.nodes = nn.ModuleDict(
            {
                f"{level}_{column}": Node(
                    planes[level + 1],
                    planes[level],
                    column,
                    up,
                    make_connection if levels[level] else no_skip(make_connection),
                    stage,
                )
                for column in range(1, depth + 1)
                for level in range(depth - column + 1)
            }
        )
        heads = depth if deep_supervision else 1
        self.heads = nn.ModuleList(
            nn.Conv2d(planes[0], num_logits(num_classes, one_logit), 1) for _ in range(heads)
        )
        he_init(self)
        init_upsampling(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, K, H, W] of images [N, C, H, W]; in training of all, [heads, N, K, H, W]."""
        height, width = x.shape[2:]
        x = pad_to_multiple(x, 1 << self.depth)
        grid: list[list[Tensor]] = []
        for level, stage in enumerate(self.encoder):
            x = stage(self.pool(x) if level else x)
            grid.append([x])
        for column in range(1, self.depth + 1):
            for level in range(self.depth - column + 1):
                below = grid[level + 1][column - 1]
                grid[level].append(self.nodes[f"{level}_{column}"](grid[level], below))
        finest = grid[0][-len(self.heads) :]
        found = torch.stack([head(node) for head, node in zip(self.heads, finest, strict=True)])
        found = crop(found, height, width)
        return found if self.training and len(self.heads) > 1 else found.mean(0)


MODELS.register(
    "unetplusplus",
    family="unetplusplus",
    task="segmentation",
    connection="concat",
    fits=fits_unequal_channels,
    year=2018,
    paper="Zhou et al. 2018",
    input=(3, 256, 256),
    summary="UNet++ for masks: nested skips, with `deep_supervision` an output at every column",
)(UNetPlusPlus)
