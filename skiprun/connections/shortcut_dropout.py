"""Dropout on the shortcut, y = dropout(x) + f(x) (He et al. 2016, section 3.4)."""

import torch.nn.functional as F
from torch import Tensor

from skiprun.connections.base import Connection, Site
from skiprun.errors import OptionError
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("shortcut_dropout", formula="y = dropout(x) + f(x)", paper="He et al. 2016, figure 2f")
class ShortcutDropout(Connection):
    """Dropout on the shortcut: in training, values of x are blanked at random."""

    def __init__(self, site: Site, p: float = 0.5) -> None:
        super().__init__(site)
        if not 0 <= p < 1:
            raise OptionError("p", f"found {p:g}; a probability from 0 and below 1 is needed")
        self.p = p

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training) + fx
