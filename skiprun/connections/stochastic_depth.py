"""Stochastic depth, y = x + b f(x): in training b = 1/p with probability p, else 0 (no branch).

A network is shorter while it trains than when it is tested, and no block can count on those before it.
The probability falls linearly from the input to the output, p_l = 1 - l/L (1 - p_L) (Huang et al. 2016,
equation 4). They multiply by p when testing; dividing by it in training is the same in expectation.
"""

from torch import Tensor, nn

from skiprun.connections.base import Connection, Site
from skiprun.errors import OptionError
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register(
    "stochastic_depth", formula="y = x + b f(x), b random", paper="Huang et al. 2016, equation 2"
)
class StochasticDepth(Connection):
    """Stochastic depth: in training, branches are left out at random, the deeper the more often.

    Options:
        survival: probability that the last branch is kept, above 0; that of the others falls to it from 1.
        per_image: whether each image of a batch has a draw of its own.
    """

    def __init__(self, site: Site, survival: float = 0.5, per_image: bool = False) -> None:
        super().__init__(site)
        if not 0 < survival <= 1:
            raise OptionError("survival", f"found {survival:g}; a probability above 0 and up to 1 is needed")
        from skiprun.system.torchvision_repair import torchvision

        self.probability = 1 - (site.index + 1) / site.total * (1 - survival)
        mode = "row" if per_image else "batch"
        self.drop: nn.Module = torchvision.ops.StochasticDepth(1 - self.probability, mode)

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return x + b fx, [N, C, H, W] as both."""
        return x + self.drop(fx)
