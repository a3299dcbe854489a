"""The shortcut of a residual block: identity, or what fits x to the branch (He et al. 2015, section 4.1)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.models.layers.conv import conv1x1
from skiprun.models.layers.norm_act import Norm

ShortcutKind = Literal["A", "A_both", "B", "C"]


class PadShortcut(nn.Module):
    """Shortcut of option A: subsample x by the stride, and put `before` and `after` zero channels around it.

    It has no parameters, so weights trained with A load into A_both and the other way round.
    """

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.before, self.after, self.stride = before, after, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return x [N, before + C + after, H / stride, W / stride]."""
        # The mean over one pixel is that pixel; its gradient, unlike a slice's, keeps the layout in memory.
        return F.pad(F.avg_pool2d(x, 1, self.stride), (0, 0, 0, 0, self.before, self.after))


def make_shortcut(
    kind: ShortcutKind, inplanes: int, planes: int, stride: int, norm: Norm | None
) -> nn.Module | None:
    """Return the shortcut of He 2015 section 4.1, or None for the identity.

    Where shapes change, A pads the channels with zeros and B projects; C projects everywhere. The paper does
    not say
    where the zeros go: A puts them after the channels of x, A_both half of them on each side. The projection
    is followed by `norm`, if there is one.
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
