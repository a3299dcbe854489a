"""The residual connection, y = x + f(x): a branch learns only by how much its result differs from x.

The derivative of y by x is the identity beside that of the branch, so that the gradient reaches every block
however many others lie above it, and a block that has nothing to add can leave x as it is.
"""

from torch import Tensor

from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("add", formula="y = x + f(x)", paper="He et al. 2015, equation 1")
class Add(Connection):
    """Residual connection: the identity plus the branch."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x + fx, [N, C, H, W] as both."""
        return x + fx
