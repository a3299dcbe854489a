"""No connection: the plain network, y = f(x), that every other connection is compared with.

Each block must rebuild what it wants to keep of x. Beyond some 20 layers such a network trains worse than a
shallower one, on its own training data: the degradation that skip connections were made against.
"""

from torch import Tensor

from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("none", formula="y = f(x)", paper="He et al. 2015, section 4.1 (plain networks)")
class NoConnection(Connection):
    """Plain network: the branch alone."""

    uses_shortcut = False

    def forward(self, _x: Tensor, fx: Tensor) -> Tensor:
        """Return fx as it is."""
        return fx
