"""ReZero, y = x + a f(x) with one learned number a that starts at 0: each block begins as the identity.

SkipInit (De and Smith 2020, section 3.2) is the same formula in a network without normalization:
`norm: none`.
"""

import torch
from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register(
    "rezero", formula="y = x + a f(x), a learned", paper="Bachlechner et al. 2020, equation 2"
)
class ReZero(Connection):
    """ReZero: a learned factor on the branch, which starts at 0; SkipInit with `norm: none`.

    Options:
        init: the factor at the start.
    """

    def __init__(self, site: Site, init: float = 0.0) -> None:
        super().__init__(site)
        self.alpha = nn.Parameter(torch.full((1,), init))

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x + a fx, [N, C, H, W] as both."""
        return x + self.alpha * fx
