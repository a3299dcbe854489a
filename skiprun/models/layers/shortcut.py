"""The shortcut of a residual block: the identity, or what fits x to the branch (He et al. 2015, section 4.1)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.models.layers.conv import conv1x1
from skiprun.models.layers.parts import Norm

Shortcut = Literal["A", "A_both", "B", "C"]


class PadShortcut(nn.Module):
    """Shortcut of option A: every stride-th pixel, and zeros as new channels, before and after those of x.

    It has no parameters, so that weights fit whichever side the zeros stand on.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.before, self.after, self.stride = before, after, stride

    def forward(self, x: Tensor) -> Tensor:
        # The mean over one pixel is that pixel; its gradient keeps the layout in memory, which a slice's does not.
        return F.pad(F.avg_pool2d(x, 1, self.stride), (0, 0, 0, 0, self.before, self.after))


def make_shortcut(kind: str, inplanes: int, planes: int, stride: int, norm: Norm | None) -> nn.Module | None:
    """Return the shortcut of He 2015 section 4.1, or None for the identity.

    A pads with zeros where shapes change, B projects there, C everywhere; without a norm the projection is bare. The
    paper does not say where the zeros stand: A has them after the channels of x, A_both half of them on each side.
    """
    same = stride == 1 and inplanes == planes
    if same and kind != "C":
        return None
    if kind.startswith("A"):
        extra = planes - inplanes
        before = extra // 2 if kind == "A_both" else 0
        return PadShortcut(before, extra - before, stride)
    projection = conv1x1(inplanes, planes, stride)
    return projection if norm is None else nn.Sequential(projection, norm(planes))
