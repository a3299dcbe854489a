"""What watching costs, in shares of step and epoch: gradient norms, metrics with TensorBoard, checkpoints."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import material, ours
from benchmarks.measure import Setting, now

STEPS_AN_EPOCH = 390
WARM_UP = 4


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


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return the cost of each instrument, logging every step, beside the fused bf16 step on one core."""
    torch.set_num_threads(1)
    compute = {"precision": "bf16", "compile": "fused"}
    config = material.experiment({"name": "resnet20"}, setting.batch, "cpu", compute, log={"every": 1})
    trainer = ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()), setting.images)
    watch, steps = Watch(), 2 if setting.quick else 40
    trainer.train_to(WARM_UP)
    probe, log = trainer.probes[0], trainer.log
    log.append = watch.around("metrics.jsonl and TensorBoard", log.append)  # type: ignore[method-assign]
    probe.read = watch.around("gradient norms", probe.read)  # type: ignore[method-assign]
    started = now("cpu")
    trainer.train_to(WARM_UP + steps)
    step = (now("cpu") - started) / steps
    found = {name: spent / steps for name, spent in watch.seconds.items()}
    started = now("cpu")
    trainer.end_epoch()
    epoch_end = now("cpu") - started
    started = now("cpu")
    trainer.save()
    trainer.best.save(trainer.eval_model)
    saving = now("cpu") - started
    return [
        {"cost": "a step, all included", "ms": 1000 * step, "of": "a step", "percent": 100.0},
        *share(found, "a step", step),
        *share(
            {"checkpoints, last and best": saving, "all of an epoch's end": epoch_end},
            "an epoch",
            STEPS_AN_EPOCH * step,
        ),
    ]


def share(costs: dict[str, float], whole: str, seconds: float) -> list[dict[str, Any]]:
    """Return a row a cost, with its share of the whole."""
    return [
        {"cost": name, "ms": 1000 * spent, "of": whole, "percent": 100 * spent / seconds}
        for name, spent in costs.items()
    ]
