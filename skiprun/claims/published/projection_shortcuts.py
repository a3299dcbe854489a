"""Options B and C: projections on every shortcut gain less over those where shapes change than they cost."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, Network
from skiprun.claims.quantity import Quantity, Region, difference
from skiprun.registry import CLAIMS


def measurement(one: str, other: str) -> Measurement:
    """Return what is done, for two networks."""
    return Measurement(networks={"B": Network(one), "C": Network(other)}, train=True, seeds=5)


@CLAIMS.register(
    "projection_shortcuts",
    paper="He et al. 2015, table 3",
    published="ResNet-34 errs 24.52 % with option B and 24.19 % with C on ImageNet: a gain of 0.33 points",
    budget="small",
    measurement=measurement("resnet20:shortcut=B", "resnet20:shortcut=C"),
    control=measurement("resnet56", "resnet56:connection=constant_scaling"),
    control_is="a change that is large on digits: halved shortcuts beside whole ones, in 56 layers",
    foreseen="INCONCLUSIVE",
)
def projection_shortcuts(found: Measured) -> list[Quantity]:
    """Projections on all shortcuts gain a third of a point over those where shapes change alone."""
    some, all_shortcuts = (found.score("test.error", part) for part in ("B", "C"))
    # One of 360 test images is 0.28 points: five seeds cannot see so small a gain, and have to say so.
    return [difference("test error of B minus that of C (points)", some, all_shortcuts, Region(0.1, 0.6))]
