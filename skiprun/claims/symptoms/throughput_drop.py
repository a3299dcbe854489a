"""Symptom: the training got slower on the way.

Images a second fell below half of the median of the epochs before, for three epochs or to the end: no epoch
of its own explains that, as all do the same work. The first epoch does not count, in which code is compiled
and memory found.
"""

from __future__ import annotations

import statistics

from skiprun.claims.symptom import Symptom
from skiprun.registry import SYMPTOMS
from skiprun.results.run_log import RunLog

HALF = 0.5
SEVERAL = 3  # epochs


@SYMPTOMS.register("throughput_drop", looks_for="a training that gets slower", reads=("time/images_per_s",))
def throughput_drop(log: RunLog) -> Symptom | None:
    """For several epochs it made less than half of the images a second that it made before."""
    speeds = log.curve("time/images_per_s")[1:]
    for number in range(SEVERAL, len(speeds) - SEVERAL + 1):
        usual = statistics.median(point.value for point in speeds[:number])
        if all(point.value < HALF * usual for point in speeds[number : number + SEVERAL]):
            slow = speeds[number]
            return Symptom(
                f"From step {slow.step} on the training is slower: {slow.value:,.0f} images a second after "
                f"{usual:,.0f}. The network has not changed, so something else used the machine, or it got "
                "hot.",
                (slow, speeds[-1]),
                "look what else runs there (top, nvidia-smi), and at the temperature; `skiprun resume` "
                "goes on later, to the same bits.",
            )
    return None
