"""The dense connection, y = [x, f(x)]."""

import torch
from torch import Tensor

from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("concat", formula="y = [x, f(x)]", paper="Huang et al. 2017, equation 2")
class Concat(Connection):
    """Dense connection: both side by side, as channels."""

    grows = True

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return torch.cat([x, fx], dim=1)
