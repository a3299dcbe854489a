"""What watching costs: gradient norms, metrics with TensorBoard, a checkpoint, as shares of the step and the epoch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import material, ours

STEPS_AN_EPOCH = 390


class Watch:
    """Adds up the CPU time of some functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a clock."""

        def timed(*arguments: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - started

        return timed


def run(quick: bool, threads: int) -> list[dict[str, Any]]:
    """Return the cost of each instrument, logging every step, beside the eager bf16 step; one thread, CPU time."""
    torch.set_num_threads(1)
    config = material.experiment({"name": "resnet20"}, 128, "bf16")
    trainer = ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()))
    torch.set_num_threads(1)
    watch, steps = Watch(), 6 if quick else 40
    trainer._run_to(3)
    probe, log = trainer.probes[0], trainer.log
    probe.read = watch.around("gradient norms", probe.read)  # type: ignore[method-assign]
    log.append = watch.around("metrics.jsonl and TensorBoard", log.append)  # type: ignore[method-assign]
    started = time.process_time()
    trainer._run_to(3 + steps)
    step = (time.process_time() - started) / steps
    rows = [
        {"cost": name, "ms": 1000 * seconds / steps, "of": "a step", "percent": 100 * seconds / steps / step}
        for name, seconds in watch.seconds.items()
    ]
    started = time.process_time()
    trainer._end_epoch()
    epoch_end = time.process_time() - started
    started = time.process_time()
    trainer._save()
    trainer._write_best()
    saving = time.process_time() - started
    epoch = STEPS_AN_EPOCH * step
    rows += [
        {"cost": "checkpoints, last and best", "ms": 1000 * saving, "of": "an epoch", "percent": 100 * saving / epoch},
        {"cost": "all of an epoch's end", "ms": 1000 * epoch_end, "of": "an epoch", "percent": 100 * epoch_end / epoch},
    ]
    return [{"cost": "a step, all included", "ms": 1000 * step, "of": "a step", "percent": 100.0}, *rows]
