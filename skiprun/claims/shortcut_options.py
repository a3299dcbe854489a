"""Claims of He et al. 2015, table 3: what projections on shortcuts gain, by the paper's options A, B and C.

The gains are below a point. One of the 360 test images of the digits is 0.28 points, so that a few seeds
cannot tell such gains from nothing, and have to say so.
"""

from __future__ import annotations

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, Region, minus


def measurement(fewer: str, more: str) -> Measurement:
    """Return what is done, for networks with fewer projections and with more."""
    return Measurement(
        networks={"fewer": TrainedNetwork(fewer), "more": TrainedNetwork(more)}, train=True, seeds=5
    )


# What is told apart on digits too.
LARGE = measurement("resnet56", "resnet56:connection=constant_scaling")
LARGE_IS = "a change that is large on digits: halved shortcuts in the place of whole ones, in 56 layers"


def gain_of_projections(found: Measured, expected: Region) -> list[Quantity]:
    """Return by how many points the test error is lower with more projections."""
    fewer, more = (found.score("test.error", part) for part in ("fewer", "more"))
    return [minus("gain in test error (points)", fewer, more, expected)]
