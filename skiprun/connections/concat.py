"""The dense connection, y = [x, f(x)]: every layer sees the outputs of all layers before it.

Nothing is added up, so nothing is lost, and a branch may be narrow, since its channels stay for all that
follow; the price is that the channels grow from site to site. It is also the long skip of the U-Net, which
hands the fine details of the encoder to the decoder.
"""

import torch
from torch import Tensor

from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("concat", formula="y = [x, f(x)]", paper="Huang et al. 2017, equation 2")
class Concat(Connection):
    """Dense connection: both side by side, as channels."""

    grows = True

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x [N, C, H, W] and fx [N, D, H, W] one behind the other, [N, C + D, H, W]."""
        return torch.cat([x, fx], dim=1)
