"""Exclusive gating: a gate that opens the branch closes the shortcut, as in highway networks."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import HALVED_BRANCH, HALVED_BRANCH_IS, measurement, training_loss
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "exclusive_gating",
    paper="He et al. 2016, table 1",
    published="test error above 20 % with gates of bias 0 at the start, 8.70 % of bias -6, 6.61 % without",
    budget="small",
    measurement=measurement("connection=highway,connection_options.bias=0", seeds=3),
    control=HALVED_BRANCH,
    control_is=HALVED_BRANCH_IS,
)
def quantities(found: Measured) -> list[Quantity]:
    """A deep network trains worse with gates between shortcut and branch that start half open."""
    return training_loss(found)
