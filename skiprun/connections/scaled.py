"""The branch with a learned factor, y = x + a f(x): ReZero, SkipInit and LayerScale.

ReZero (Bachlechner et al. 2020, equation 2) and SkipInit (De and Smith 2020, section 3.2) learn one number a that
starts at 0, so that every block begins as the identity. LayerScale (Touvron et al. 2021, equation 6) learns one for
each channel and starts it small: `connection_options: {per_channel: true, init: 0.0001}`.
"""

import torch
from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("scaled", formula="y = x + a f(x), a learned", paper="Bachlechner et al. 2020, equation 2")
class Scaled(Connection):
    """Branch with a learned factor that starts at 0 (ReZero, SkipInit), or one for each channel (LayerScale)."""

    def __init__(self, site: Site, init: float = 0.0, per_channel: bool = False) -> None:
        super().__init__(site)
        shape = (site.branch_channels, 1, 1) if per_channel else (1,)
        self.alpha = nn.Parameter(torch.full(shape, init))

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return x + self.alpha * fx
