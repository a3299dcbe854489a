"""A connection of one's own: half of the shortcut and half of the branch."""

from torch import Tensor

from skiprun.connections import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("halved", formula="y = (x + f(x)) / 2", paper="an example")
class Halved(Connection):
    """Average of shortcut and branch, so that the variance of the features does not grow with depth."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return (x + fx) / 2, [N, C, H, W] as both."""
        return (x + fx) / 2
