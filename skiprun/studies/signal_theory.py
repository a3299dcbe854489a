"""What theory expects of gradient and signal in wide networks: a factor a layer, and a factor a block."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from skiprun.connections import sites
from skiprun.connections.add import Add
from skiprun.connections.none import NoConnection
from skiprun.system.torch_internals import BatchNorm


@dataclass(frozen=True)
class Theory:
    """What theory expects of wide networks: a factor a layer toward the input, a block toward the output."""

    growth: float | None
    doubling: float | None


def theory(model: nn.Module) -> Theory:
    """Return the expectation for plain and residual networks; other connections have none here."""
    kinds = {type(site) for site in sites(model).values()}
    normed = any(isinstance(module, BatchNorm) for module in model.modules())
    if kinds == {NoConnection}:
        return Theory(math.sqrt(math.pi / (math.pi - 1)) if normed else 1.0, 1.0)
    if kinds == {Add} and not normed:
        # Twice the variance at a block of two layers: the norm grows by the fourth root of two at each.
        return Theory(2**0.25, 2.0)
    return Theory(None, None)
