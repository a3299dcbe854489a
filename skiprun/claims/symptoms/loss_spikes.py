"""Symptom: the loss jumps up and comes back, again and again.

A jump counts if a logged loss is three times the median of the nine before it, and higher by a quarter of the
way from guessing: the loss of one batch of a good run varies by less. Spikes of large networks are of this
kind (Chowdhery et al. 2022, PaLM, section 5.1).
"""

from __future__ import annotations

import statistics

from skiprun.claims.symptom import Symptom
from skiprun.errors import counted
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import LOSS, RunLog

BEFORE, TIMES, WAY = 9, 3.0, 0.25


@SYMPTOMS.register(
    "loss_spikes",
    looks_for="a loss that jumps up now and then",
    reads=("train/loss",),
    paper="Chowdhery et al. 2022, section 5.1",
)
def loss_spikes(log: RunLog) -> Symptom | None:
    """Some logged losses stand far above those before them."""
    losses, spikes = log.curve(LOSS), []
    for number in range(BEFORE, len(losses)):
        usual = statistics.median(point.value for point in losses[number - BEFORE : number])
        value = losses[number].value
        comes_back = any(point.value <= TIMES * usual for point in losses[number:])
        if comes_back and value > TIMES * usual and value - usual > WAY * log.guessing:
            spikes.append(losses[number])
    if not spikes:
        return None
    worst = max(spikes, key=lambda point: point.value)
    return Symptom(
        f"The loss jumped up {counted(len(spikes), 'time')}, at worst to {worst.value:.3g}: a step went too "
        "far, and what was learned before it was partly lost.",
        tuple(dict.fromkeys([spikes[0], worst])),
        "optim.clip_norm=1, which shortens the few steps that are too long; a smaller optim.lr; less "
        "optim.momentum. If the jumps stay, look at the images of these steps.",
    )
