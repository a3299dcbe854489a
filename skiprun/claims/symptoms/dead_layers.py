"""Symptom: layers are dead, as their units give nothing for any image, or as no gradient reaches them.

A unit behind ReLU that is below nothing for every image gets no gradient, and stays so (Lu et al. 2020,
"Dying ReLU"). The probe `activations` counts units that gave nothing for a whole batch: half of a layer's is
many, as of a good run it is under a tenth. Without that probe only a layer whose gradient is exactly nothing
is seen.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from skiprun.claims.symptom import Symptom
from skiprun.errors import counted, percent
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import Point, RunLog, part

HALF = 0.5


@SYMPTOMS.register(
    "dead_layers",
    looks_for="layers whose units give nothing any more (dead ReLUs)",
    reads=("activation_dead/", "grad_norm/"),
    paper="Lu et al. 2020, 'Dying ReLU and initialization'",
)
def dead_layers(log: RunLog) -> Symptom | None:
    """In the second half of the run units of a layer are dead, or no gradient reaches it."""
    return _by_units(log) or _by_gradient(log)


def _by_units(log: RunLog) -> Symptom | None:
    """Return what the probe of activations says."""
    late = {tag: part(log.curve(tag), 0.5) for tag in log.tags("activation_dead/")}
    shares = {
        tag: statistics.median(point.value for point in points) for tag, points in late.items() if points
    }
    if not shares or max(shares.values()) < HALF:
        return None
    worst = max(shares, key=lambda tag: shares[tag])
    begin = next(point for point in log.curve(worst) if point.value >= HALF)
    dead = [tag for tag, share in shares.items() if share >= HALF]
    return _symptom(
        f"Units are dead: {percent(shares[worst])} of those that {_layer(worst)} receives are zero for "
        f"every image of a batch, and will stay so ({counted(len(dead), 'layer')} with half of its units "
        "dead or more).",
        [begin, log.curve(worst)[-1]],
    )


def _by_gradient(log: RunLog) -> Symptom | None:
    """Return whether a layer had a gradient of exactly nothing in the whole second half."""
    late = {tag: part(log.curve(tag), 0.5) for tag in log.tags("grad_norm/")}
    dead = [tag for tag, points in late.items() if points and all(point.value == 0 for point in points)]
    if not dead:
        return None
    return _symptom(
        f"No gradient reaches {_layer(dead[0])} ({counted(len(dead), 'such layer')}): it is exactly zero, "
        "so it does not learn. Units behind it are dead, or nothing leads from it to the loss.",
        [late[dead[0]][0], late[dead[0]][-1]],
    )


def _symptom(sentence: str, evidence: Sequence[Point]) -> Symptom:
    return Symptom(
        sentence,
        tuple(evidence),
        "a smaller optim.lr or a longer schedule.warmup, as one long step can kill many units; "
        "normalization (model.norm=batch); model.activation=leaky_relu, which cannot die.",
    )


def _layer(tag: str) -> str:
    """Return the layer of a tag such as 'grad_norm/01.conv1'."""
    return tag.partition("/")[2].partition(".")[2]
