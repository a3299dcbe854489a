"""Shortcut-only gating: a gate weakens the shortcut and leaves the branch alone."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import HALVED_BRANCH, HALVED_BRANCH_IS, measurement, training_loss
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shortcut_only_gating",
    paper="He et al. 2016, table 1",
    published="test error 12.86 % with gates of bias 0 at the start, 6.91 % of bias -6, 6.61 % without",
    budget="small",
    measurement=measurement("connection=shortcut_only_gating,connection_options.bias=0", seeds=3),
    control=HALVED_BRANCH,
    control_is=HALVED_BRANCH_IS,
)
def quantities(found: Measured) -> list[Quantity]:
    """A deep network trains worse with gates on its shortcuts that start half open."""
    return training_loss(found)
