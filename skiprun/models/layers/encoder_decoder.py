"""What encoder-decoder networks share: double convolutions, doubling the size, which levels have a skip."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.connections.none import NoConnection
from skiprun.errors import OptionError
from skiprun.models.layers.block import ConnectionMaker
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm

MakeStage = Callable[[int, int], nn.Module]  # of the channels that come in and go out
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
        """Return [N, planes, H, W] of x [N, C, H, W]."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)))


def upsampling(inplanes: int, planes: int, up: UpKind) -> nn.Module:
    """Return what doubles the size and brings the channels to the level's.

    A transposed 2x2 convolution, as in the paper, or bilinear interpolation behind a 1x1 convolution.
    """
    if up == "transposed":
        return nn.ConvTranspose2d(inplanes, planes, 2, stride=2)
    return nn.Sequential(nn.Conv2d(inplanes, planes, 1), nn.Upsample(scale_factor=2, mode="bilinear"))


def num_logits(num_classes: int, one_logit: bool) -> int:
    """Return the output channels: one for two classes, unless each is to have its own."""
    return 1 if num_classes == 2 and one_logit else num_classes


def parse_skip_levels(text: str, depth: int) -> list[bool]:
    """Return which levels have a skip, the finest first; nothing said is all."""
    text = text or "1" * depth
    if len(text) != depth or set(text) - {"0", "1"}:
        example = "1" * (depth - 1) + "0"
        raise OptionError(
            "skip_levels",
            f"found '{text}'; a network of depth {depth} takes {depth} digits 0 or 1, the finest level "
            f"first, such as {example}",
        )
    return [digit == "1" for digit in text]


def no_skip(make_connection: ConnectionMaker) -> ConnectionMaker:
    """Return a maker of sites without a skip, numbered with the others."""

    def make(shortcut: int, branch: int) -> Connection:
        return NoConnection(make_connection(shortcut, branch).site)

    return make


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column of images until both sides are multiples."""
    height, width = x.shape[2:]
    below, right = ((side + multiple - 1) // multiple * multiple - side for side in (height, width))
    if torch.compiler.is_exporting() or below or right:  # a graph for any size has no branch
        x = F.pad(x, (0, right, 0, below), mode="replicate")
    return x


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """Take rows from below and columns from the right, until an image has a size."""
    if torch.compiler.is_exporting():  # which cannot prove that a slice of a padded image is within it
        return F.pad(x, (0, width - x.shape[-1], 0, height - x.shape[-2]))
    return x[..., :height, :width]


def init_upsampling(model: nn.Module) -> None:
    """Draw transposed convolutions of variance 2 / fan_in: each output pixel has one input pixel."""
    for module in model.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=math.sqrt(2 / module.in_channels))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
