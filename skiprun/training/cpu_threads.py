"""The number of CPU threads of a run: as many as asked if there are such cores, else what a trial tells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import torch

from skiprun.config import RunConfig
from skiprun.errors import InputError, counted
from skiprun.system.machine import all_cores, cores

# Below this many multiply-adds a step, threads spend their time waiting for each other: a plain56 on 8x8
# digits (0.5 G) gains a quarter from a second thread on an idle machine, and loses a factor of 50 beside a
# busy neighbour.
SMALL_STEP = 2e9


def check_threads(config: RunConfig) -> None:
    """Refuse more threads than cores to a run that begins; one that goes on keeps its number, for its bits.

    Raises:
        InputError: there are not so many cores.
    """
    threads = config.compute.threads or 1
    if threads > all_cores():
        found, most = f"{config.place('compute.threads')}: found {threads}", counted(all_cores(), "core")
        raise InputError(
            f"{found}, and this machine has {most}; give no more, or leave the choice to skiprun."
        )


def choose_threads(config: RunConfig, macs: int, step: Callable[[], object] | None = None) -> int:
    """Return the number of CPU threads: the config's, one for a small network, or the faster of one and all.

    Args:
        config: with `threads` and the batch size.
        macs: multiply-adds of the network for one image.
        step: does the work of a training step, and is timed; None takes all for a large network.
    """
    everything = len(cores())
    if config.compute.threads or everything == 1 or macs * config.data.batch_size < SMALL_STEP:
        return config.compute.threads or 1
    return faster(step, (1, everything)) if step else everything


def faster(step: Callable[[], object], choices: Sequence[int], rounds: int = 2) -> int:
    """Return the number of threads that makes a step fastest on this machine, as busy as it is now."""
    before, least = torch.get_num_threads(), dict.fromkeys(choices, math.inf)
    step()  # the first one allocates
    for _ in range(rounds):
        for threads in choices:
            torch.set_num_threads(threads)
            started = time.perf_counter()
            step()
            least[threads] = min(least[threads], time.perf_counter() - started)
    torch.set_num_threads(before)
    return min(choices, key=least.__getitem__)
