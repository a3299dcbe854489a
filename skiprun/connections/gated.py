"""The highway connection and its half: a learned gate T(x) in (0, 1) decides how much of x and of f(x) passes."""

from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.errors import OptionError
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("gated", formula="y = (1 - T(x)) x + T(x) f(x)", paper="Srivastava et al. 2015, equation 3")
class Gated(Connection):
    """Highway connection: a learned gate T(x) in (0, 1) chooses between the two.

    T is a convolution with a sigmoid. Its bias starts negative, so that a deep network begins near the identity
    (Srivastava et al. 2015, section 3.1: -1 to -3).
    """

    def __init__(self, site: Site, bias: float = -2.0, kernel: int = 1) -> None:
        super().__init__(site)
        if kernel < 1 or kernel % 2 == 0:
            raise OptionError("kernel", f"found {kernel}; the gate's kernel is an odd number, such as 1 or 3")
        self.bias = bias
        self.gate = nn.Conv2d(site.shortcut_channels, site.branch_channels, kernel, padding=kernel // 2)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.kaiming_normal_(self.gate.weight, nonlinearity="sigmoid")
        nn.init.constant_(self.gate.bias, self.bias)  # type: ignore[arg-type]  # made with a bias above

    def openness(self, x: Tensor) -> Tensor:
        """Return T(x)."""
        return self.gate(x).sigmoid()

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return x + self.openness(x) * (fx - x)


@CONNECTIONS.register("gated_shortcut", formula="y = (1 - T(x)) x + f(x)", paper="He et al. 2016, figure 2d")
class GatedShortcut(Gated):
    """Shortcut-only gate: T(x) closes the shortcut and leaves the branch alone."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return (1 - self.openness(x)) * x + fx
