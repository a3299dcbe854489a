"""The base of gated connections: a learned gate T(x) in (0, 1) for each channel and pixel."""

from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.errors import OptionError


class GatedConnection(Connection):
    """A connection with a gate T(x), a convolution with a sigmoid; a subclass says what the gate does.

    Its bias starts negative, so that T is small at first (Srivastava et al. 2015, section 3.1: -1 to -3).

    Options:
        bias: of the gate at the start; the lower, the smaller T is at first.
        kernel: side of the gate's convolution, an odd number.
    """

    def __init__(self, site: Site, bias: float = -2.0, kernel: int = 1) -> None:
        super().__init__(site)
        if kernel < 1 or kernel % 2 == 0:
            raise OptionError("kernel", f"found {kernel}; the gate's kernel is an odd number, such as 1 or 3")
        self.bias = bias
        self.gate = nn.Conv2d(site.shortcut_channels, site.branch_channels, kernel, padding=kernel // 2)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights of the gate, and set its bias to `bias`."""
        nn.init.kaiming_normal_(self.gate.weight, nonlinearity="sigmoid")
        nn.init.constant_(self.gate.bias, self.bias)  # type: ignore[arg-type]  # made with a bias above

    def openness(self, x: Tensor) -> Tensor:
        """Return T(x), of the shape of the branch."""
        return self.gate(x).sigmoid()
