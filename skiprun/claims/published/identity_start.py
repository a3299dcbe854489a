"""Identity start: without normalization residual networks start well if their branches start small."""

from __future__ import annotations

import math

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.claims.quantity import Quantity, Region
from skiprun.claims.untrained import untrained
from skiprun.registry import CLAIMS

CLASSES = 10
PARTS = ("SkipInit", "ReZero", "Fixup")
# 54 branches: SkipInit with the larger of its two factors, 54^-1/2, as ReZero begins with 0.
SKIPINIT = "preact110:norm=none,connection=rezero,connection_options.init=0.136"
REZERO, FIXUP = "resnet110:norm=none,connection=rezero", "resnet110:norm=none,init=fixup"


def measurement(*networks: str) -> Measurement:
    """Return what is done, for what stands in the place of the three networks."""
    return untrained("gradflow", dict(zip(PARTS, networks, strict=True)))


@CLAIMS.register(
    "identity_start",
    paper="De and Smith 2020; Bachlechner et al. 2020; Zhang et al. 2019",
    published="SkipInit trains 1,000 layers without normalization, Fixup 10,000; plain addition explodes",
    budget="init",
    measurement=measurement(SKIPINIT, REZERO, FIXUP),
    control=measurement("preact110:norm=none", "resnet110:norm=none", "resnet110:norm=none"),
    control_is="branches as He's initialization draws them",
)
def quantities(found: Measured) -> list[Quantity]:
    """SkipInit, ReZero and Fixup start 110 layers without normalization at the loss of guessing."""
    guessing = Region(0.8, 1.25)
    losses = {part: found.fact("loss", part) for part in PARTS}
    return [
        Quantity(
            f"first loss over ln 10, {part}",
            guessing,
            {seed: loss / math.log(CLASSES) for seed, loss in by_seed.items()},
            "log",
        )
        for part, by_seed in losses.items()
    ]
