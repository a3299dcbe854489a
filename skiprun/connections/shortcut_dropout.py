"""Dropout on the shortcut, y = dropout(x) + f(x) (He et al. 2016, section 3.4).

In training it blanks values of x at every site anew, and scales up those that stay, so that little of x is
left unharmed after many sites. With p = 0.5 He et al. could not train 110 layers so: it shows what dropout
must not touch.
"""

import torch.nn.functional as F
from torch import Tensor

from skiprun.connections.base import Connection, Site
from skiprun.errors import OptionError
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("shortcut_dropout", formula="y = dropout(x) + f(x)", paper="He et al. 2016, figure 2f")
class ShortcutDropout(Connection):
    """Dropout on the shortcut: in training, values of x are blanked at random.

    Options:
        p: probability that a value is blanked, from 0 and below 1.
    """

    def __init__(self, site: Site, p: float = 0.5) -> None:
        super().__init__(site)
        if not 0 <= p < 1:
            raise OptionError("p", f"found {p:g}; a probability from 0 and below 1 is needed")
        self.p = p

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return dropout(x) + fx, [N, C, H, W] as both."""
        return F.dropout(x, self.p, self.training) + fx
