"""The attention gate of U-Nets (Oktay et al. 2018): the decoder's features weight the skip at each pixel."""

import torch
from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register(
    "attention_gate", formula="y = [a(x, f(x)) x, f(x)]", paper="Oktay et al. 2018, equations 1 and 2"
)
class AttentionGate(Connection):
    """Attention gate: a share a in (0, 1) of x at each pixel, beside the branch.

    a = sigmoid(gate(relu(Wx x + Wg f(x)))), all of them 1x1 convolutions. The branch is the coarser layers'
    signal, brought to the size of x already; it is both what gates and what x is set beside.
    """

    grows = True

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        between = max(1, site.shortcut_channels // 2)
        self.from_x = nn.Conv2d(site.shortcut_channels, between, 1, bias=False)
        self.from_branch = nn.Conv2d(site.branch_channels, between, 1)
        self.gate = nn.Conv2d(between, 1, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights of the gate; its biases are zero."""
        for layer in (self.from_x, self.from_branch):
            nn.init.kaiming_normal_(layer.weight)
        nn.init.kaiming_normal_(self.gate.weight, nonlinearity="sigmoid")
        for layer in (self.from_branch, self.gate):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # made with a bias above

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x [N, C, H, W], weighted by pixel, and fx [N, D, H, W]: [N, C + D, H, W]."""
        share = self.gate((self.from_x(x) + self.from_branch(fx)).relu_()).sigmoid()
        return torch.cat([share * x, fx], dim=1)
