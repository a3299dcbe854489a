"""The highway connection, y = (1 - T(x)) x + T(x) f(x): a learned gate chooses between shortcut and branch.

It came half a year before the residual connection, and was the first with which networks of a hundred layers
could be trained. Where the gate opens, the shortcut closes by as much.
"""

from torch import Tensor

from skiprun.connections.gated import GatedConnection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register(
    "highway", formula="y = (1 - T(x)) x + T(x) f(x)", paper="Srivastava et al. 2015, equation 3"
)
class Highway(GatedConnection):
    """Highway connection: a learned gate T(x) in (0, 1) chooses between the two.

    As T is small at first, a deep network begins near the identity.
    """

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return (1 - T(x)) x + T(x) fx, [N, C, H, W] as both."""
        return x + self.openness(x) * (fx - x)
