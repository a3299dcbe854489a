"""Seconds an epoch of 50,000 images as `skiprun train` takes them, norms and TensorBoard on: three ways."""

from __future__ import annotations

import contextlib
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from benchmarks import material
from benchmarks.measure import IMAGES, Setting
from skiprun.experiment import train
from skiprun.system.progress import Record

EPOCHS, WARM_UP = 8, 2
WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "eager": {"cuda_graph": False, "compile": "off"},
    "compiled": {"compile": "on"},
}

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return each network and way, each in a process of its own, of which the memory is its own too."""
    return {f"{name}-{way}": partial(of_run, name, way, setting) for way in WAYS for name in setting.networks}


class Watch:
    """Progress that notes when each epoch ended."""

    def __init__(self) -> None:
        self.ends, self.records = [time.perf_counter()], list[Record]()

    def step(self, _step: int, _steps: int) -> None:
        """Note nothing."""

    def epoch(self, record: Record) -> None:
        """Note the end of an epoch, which is evaluated and saved by now."""
        self.ends.append(time.perf_counter())
        self.records.append(record)


def of_run(name: str, way: str, setting: Setting) -> list[Row]:
    """Return the time of an epoch, in the median after the first ones, and what the run needs of memory."""
    number = WARM_UP + 1 if setting.quick else EPOCHS
    config = material.experiment(
        {"name": name}, setting.batch, setting.device, WAYS[way], schedule={"epochs": number}
    )
    watch = Watch()
    with material.noise_as_cifar10(setting.images), told() as notes, tempfile.TemporaryDirectory() as runs:
        train(config, runs=runs, progress=watch)
    return [{"network": name, "way": way} | times(watch, setting) | memory(setting) | {"notes": notes}]


def times(watch: Watch, setting: Setting) -> Row:
    """Return the seconds of 50,000 images, without and with the end of an epoch; and those of the start."""
    spent = [later - earlier for earlier, later in zip(watch.ends, watch.ends[1:], strict=False)]
    rates = [record["time/images_per_s"] for record in watch.records[WARM_UP:]]
    return {
        "epoch_s": IMAGES / statistics.median(rates),
        "with_its_end_s": statistics.median(spent[WARM_UP:]) * IMAGES / setting.images,
        "first_epoch_s": spent[0],
    }


def memory(setting: Setting) -> Row:
    """Return the most megabytes of the GPU that were in use, and those that torch took for it."""
    if not setting.gpu:
        return {}
    used, taken = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return {"used_mb": used / 2**20, "gpu_mb": taken / 2**20}


@contextlib.contextmanager
def told() -> Iterator[list[str]]:
    """Collect what skiprun tells its user."""
    notes: list[str] = []
    handler, logger = logging.Handler(), logging.getLogger("skiprun")
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield notes
    finally:
        logger.removeHandler(handler)
