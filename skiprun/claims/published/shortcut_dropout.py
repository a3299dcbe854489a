"""Dropout on shortcuts: noise there adds up over depth, as a constant factor does."""

from __future__ import annotations

from skiprun.claims.clean_shortcut import measurement
from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, above
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shortcut_dropout",
    paper="He et al. 2016, table 1",
    published="test error above 20 % with dropout of 0.5, which fails to converge well; 6.61 % without",
    budget="small",
    measurement=measurement("connection=shortcut_dropout", seeds=3),
    control=measurement("connection=stochastic_depth", seeds=3),
    control_is="branches dropped at random in the place of the shortcut's values",
)
def quantities(found: Measured) -> list[Quantity]:
    """A deep network does not learn with dropout of 0.5 on its shortcuts."""
    # The loss of training is one with dropout: the networks are compared without.
    return [Quantity("test error (%)", above(20), found.score("test.error", "other"))]
