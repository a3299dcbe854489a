"""Symptom: the gradient vanishes on its way back to the first layers.

The gradient of the first layer behind the stem is under a thousandth of that of all weights together (Glorot
and Bengio 2010, section 4.2): at one learning rate for all, that layer then hardly moves. Of networks that
learn it is a tenth or more (docs/studies.md, gradflow).
"""

from __future__ import annotations

import statistics

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import RunLog

SHARE = 1e-3


@SYMPTOMS.register(
    "vanishing_gradients",
    looks_for="a gradient that vanishes on its way to the first layers",
    reads=("grad/first",),
    paper="Glorot and Bengio 2010, section 4.2",
)
def vanishing_gradients(log: RunLog) -> Symptom | None:
    """Through most of the training the first layer got less than a thousandth of the gradient."""
    totals = {point.step: point for point in log.curve("grad/total") if point.value > 0}
    firsts = log.curve("grad/first")
    shares = {point: point.value / totals[point.step].value for point in firsts if point.step in totals}
    if not shares or not 0 < (usual := statistics.median(shares.values())) < SHARE:
        return None  # of a gradient of exactly nothing `dead_layers` tells
    first = next(point for point, share in shares.items() if share < SHARE)
    return Symptom(
        f"The gradient vanishes on its way back: the first layer gets {usual:.1e} of it (median), so it "
        "hardly learns.",
        (first, totals[first.step]),
        "skip connections (resnet20 in place of plain20), which carry the gradient past the layers; batch "
        "norm (model.norm=batch); fewer layers.",
    )
