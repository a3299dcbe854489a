"""Option B: projections on the shortcuts where shapes change, beside zeros for the new channels, option A."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, Region
from skiprun.claims.shortcut_options import LARGE, LARGE_IS, gain_of_projections, measurement
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shortcut_option_b",
    paper="He et al. 2015, table 3",
    published="ResNet-34 errs 25.03 % with option A, 24.52 % with B (ImageNet): a gain of 0.51 points",
    budget="small",
    measurement=measurement("resnet20", "resnet20:shortcut=B"),
    control=LARGE,
    control_is=LARGE_IS,
    foreseen="INCONCLUSIVE",
)
def quantities(found: Measured) -> list[Quantity]:
    """Projections where shapes change gain half a point over shortcuts without weights."""
    return gain_of_projections(found, Region(0.25, 0.75))
