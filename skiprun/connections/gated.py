"""The highway connection, y = (1 - T(x)) x + T(x) f(x)."""

from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("gated", formula="y = (1 - T(x)) x + T(x) f(x)", paper="Srivastava et al. 2015, equation 3")
class Gated(Connection):
    """Highway connection: a learned gate T(x) in (0, 1) chooses between the two.

    T is a 1x1 convolution with a sigmoid. Its bias starts negative, so that a deep network begins near the identity
    (Srivastava et al. 2015, section 3.1: -1 to -3).
    """

    def __init__(self, site: Site, bias: float = -2.0) -> None:
        super().__init__(site)
        self.gate = nn.Conv2d(site.shortcut_channels, site.branch_channels, kernel_size=1)
        nn.init.kaiming_normal_(self.gate.weight, nonlinearity="sigmoid")
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        openness = self.gate(x).sigmoid()
        return x + openness * (fx - x)
