"""Constant factors on both, y = s x + t f(x) (He et al. 2016, section 3.1)."""

from torch import Tensor

from skiprun.connections.base import Connection, Site
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("constant_scaling", formula="y = s x + t f(x)", paper="He et al. 2016, figure 2b")
class ConstantScaling(Connection):
    """Constant factors on the shortcut and on the branch."""

    def __init__(self, site: Site, shortcut: float = 0.5, branch: float = 0.5) -> None:
        super().__init__(site)
        self.shortcut, self.branch = shortcut, branch

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return self.shortcut * x + self.branch * fx
