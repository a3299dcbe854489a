"""What watching costs on a GPU: norms and checkpoints, with and without in turns; waits of the host."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.kernels import started
from benchmarks.measure import Setting, now
from benchmarks.waits import count_waits
from skiprun.training.host_copy import HostCopy
from skiprun.training.sample_order import Shuffled
from skiprun.training.trainer import Trainer

FETCH, ORDER = (each.__qualname__ for each in (HostCopy.wait, Shuffled._permutation))
EPOCHS = 3  # in a turn with or without checkpoints, as writing one may go on beside the next epoch

Row = dict[str, Any]
Turn = Callable[[], object]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the networks that are measured, by name."""
    return {name: partial(of_network, name, setting) for name in setting.networks}


def of_network(name: str, setting: Setting) -> list[Row]:
    """Return what norms and checkpoints cost by default settings, and how often the host waits."""
    rounds, epochs = (1, 1) if setting.quick else (7, EPOCHS)
    epoch = setting.images // setting.batch
    plain, watched = (started(name, {}, setting, probes) for probes in ([], ["grad_norm"]))
    norms = extra(partial(train, plain, epoch), partial(train, watched, epoch), rounds, setting)
    without, saving = (partial(train_epochs, watched, epochs, epoch, each) for each in (False, True))
    checkpoints = extra(without, saving, rounds // 2 + 1, setting)
    return [
        {"network": name, "cost": "norm of each layer's gradient"} | norms,
        {"network": name, "cost": "a checkpoint each epoch"} | checkpoints,
        {"network": name, "cost": "waits of the host within an epoch"} | waits(watched, epoch, setting),
    ]


def train(trainer: Trainer, steps: int) -> None:
    """Train so many steps."""
    trainer.train_to(trainer.step + steps)


def train_epochs(trainer: Trainer, epochs: int, steps: int, saving: bool) -> None:
    """Train some epochs of so many steps, with a checkpoint after each, all on the disk; or without."""
    for _ in range(epochs):
        train(trainer, steps)
        if saving:
            trainer.save()
    assert trainer.checkpoints.step or not saving  # which waits for the thread that writes


def extra(without: Turn, with_it: Turn, rounds: int, setting: Setting) -> Row:
    """Return what one turn takes longer than another, in percent: the median over rounds, and its range."""
    percent = []
    for _ in range(rounds):
        base, more = (taken(turn, setting.device) for turn in (without, with_it))
        percent.append(100 * (more / base - 1))
    return {"percent": statistics.median(percent), "percent_range": [min(percent), max(percent)]}


def taken(turn: Turn, device: str) -> float:
    """Return the seconds of a turn."""
    before = now(device)
    turn()
    return now(device) - before


def waits(trainer: Trainer, steps: int, setting: Setting) -> Row:
    """Return how often the host waits: to fetch the log, to bring an epoch's order, and for anything else."""
    found = count_waits(partial(train, trainer, steps)) if setting.gpu else {}
    others = {place: count for place, count in found.items() if place not in (FETCH, ORDER)}
    row = {"fetches": found.get(FETCH, 0), "orders": found.get(ORDER, 0)}
    return row | {"other_waits": sum(others.values()), "places": sorted(others)}
