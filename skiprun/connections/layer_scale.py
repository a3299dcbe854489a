"""LayerScale, y = x + a f(x) with a learned factor a for each channel, which starts small.

A deep network starts near the identity, and each channel of a branch grows in as it proves useful. Made for
transformers, and used in ConvNeXt.
"""

import torch
from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register(
    "layer_scale", formula="y = x + a f(x), a by channel", paper="Touvron et al. 2021, equation 6"
)
class LayerScale(Connection):
    """LayerScale: a learned factor for each channel of the branch, which starts small.

    Options:
        init: the factors at the start.
    """

    def __init__(self, site: Site, init: float = 1e-4) -> None:
        super().__init__(site)
        self.alpha = nn.Parameter(torch.full((site.branch_channels, 1, 1), init))

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x + a fx with a factor for each channel, [N, C, H, W] as both."""
        return x + self.alpha * fx
