"""The residual connection, y = x + f(x)."""

from torch import Tensor

from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("add", formula="y = x + f(x)", paper="He et al. 2015, equation 1")
class Add(Connection):
    """Residual connection: the identity plus the branch."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return x + fx
