"""Option C: projections on every shortcut, beside those where shapes change, option B."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.quantity import Quantity, Region
from skiprun.claims.shortcut_options import LARGE, LARGE_IS, gain_of_projections, measurement
from skiprun.registry import CLAIMS


@CLAIMS.register(
    "shortcut_option_c",
    paper="He et al. 2015, table 3",
    published="ResNet-34 errs 24.52 % with option B, 24.19 % with C (ImageNet): a gain of 0.33 points",
    budget="small",
    measurement=measurement("resnet20:shortcut=B", "resnet20:shortcut=C"),
    control=LARGE,
    control_is=LARGE_IS,
    foreseen="INCONCLUSIVE",
)
def quantities(found: Measured) -> list[Quantity]:
    """Projections on all shortcuts gain a third of a point over those where shapes change alone."""
    return gain_of_projections(found, Region(0.1, 0.6))
