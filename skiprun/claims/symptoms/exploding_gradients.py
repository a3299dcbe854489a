"""Symptom: the gradient explodes on its way back to the first layers.

At the first logged step, or at most of them, its norm at the first layer is over a hundred times that at the
last one. Deep plain networks with batch norm begin so: each norm makes the gradient a little larger, which
multiplies over depth (Yang et al. 2019, "A mean field theory of batch normalization"). Networks with skips
stay below ten (docs/studies.md, gradflow).
"""

from __future__ import annotations

import statistics

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.numbers import significant
from skiprun.results.run_log import RunLog

RATIO = 100.0


@SYMPTOMS.register(
    "exploding_gradients",
    looks_for="a gradient that explodes on its way to the first layers",
    reads=("grad/first_over_last",),
    paper="Yang et al. 2019; Glorot and Bengio 2010, section 4.2",
)
def exploding_gradients(log: RunLog) -> Symptom | None:
    """At the start, or most of the time, the first layers got a hundred times the last one's gradient."""
    ratios = log.curve("grad/first_over_last")
    if not ratios:
        return None
    first, always = ratios[0].value, statistics.median(point.value for point in ratios)
    if max(first, always) <= RATIO:
        return None
    when = "all the time" if always > RATIO else "at the start"
    return Symptom(
        f"The gradient explodes {when}: at the first layers it is {significant(max(first, always))} times "
        "as large as at the last ones, so no learning rate fits both.",
        tuple(dict.fromkeys([ratios[0], max(ratios, key=lambda point: point.value)])),
        "skip connections (resnet56 in place of plain56), which keep it even; fewer layers; a longer "
        "schedule.warmup.",
    )
