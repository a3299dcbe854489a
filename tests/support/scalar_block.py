"""A block of one weight: what a network of them computes can be worked out on paper."""

from __future__ import annotations

from torch import Tensor, nn

from skiprun.connections import Connection, Site
from skiprun.models.layers.block import Block


class Scalar(Block):
    """y = connection(x, w x), on images of one pixel."""

    def __init__(self, connection: type[Connection], weight: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, weight)
        self.connection, self.downsample, self.relu = connection(Site(1, 1, 0, 1)), None, nn.Identity()

    def branch(self, x: Tensor) -> Tensor:
        return self.conv(x)
