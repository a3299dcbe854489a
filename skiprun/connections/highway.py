"""The highway connection, y = (1 - T(x)) x + T(x) f(x): a learned gate chooses between shortcut and branch."""

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
        return x + self.openness(x) * (fx - x)
