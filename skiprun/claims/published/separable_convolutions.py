"""Depthwise separable convolutions are cheap."""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, Region, near
from skiprun.registry import CLAIMS


def measurement(network: str) -> Measurement:
    """Return what is done, for an architecture."""
    return Measurement(study="separable_convolutions", options={"network": network})


@CLAIMS.register(
    "separable_convolutions",
    paper="Howard et al. 2017, section 3.1 and table 4",
    published="8 to 9 times fewer multiply-adds; 569 million in MobileNet, 4,866 million without",
    budget="toy",
    measurement=measurement("mobilenet_v1"),
    control=measurement("resnet56"),
    control_is="ResNet-56, whose convolutions are standard ones",
)
def quantities(found: Measured) -> list[Quantity]:
    """Depthwise separable convolutions of 3x3 take 8 to 9 times fewer multiply-adds than standard ones."""
    millions = {seed: macs / 1e6 for seed, macs in found.fact("macs").items()}
    return [
        Quantity("times fewer multiply-adds", Region(8, 9), found.fact("factor"), "exact"),
        # A head of 10 classes, in the place of 1,000, has one million less.
        Quantity("millions of multiply-adds", near(569, 2), millions, "exact"),
    ]
