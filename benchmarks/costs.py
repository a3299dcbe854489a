"""What watching costs, in shares of step and epoch: gradient norms, metrics with TensorBoard, checkpoints."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks import material, ours
from benchmarks.measure import Setting, captured, now, seconds
from skiprun.training.acceleration.graph import WARM_UP
from skiprun.training.device import Execution

STEPS_AN_EPOCH = 390


class Watch:
    """Adds up the time of some functions: on a CPU its own, beside a GPU what the step has to wait for."""

    def __init__(self, device: str) -> None:
        self.clock = time.process_time if device == "cpu" else time.perf_counter
        self.seconds: dict[str, float] = {}

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a clock."""

        def timed(*arguments: Any, **options: Any) -> Any:
            started = self.clock()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - started

        return timed


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return the cost of each instrument, logging every step, beside the bf16 step of resnet20.

    On a CPU the step is fused, with one thread, and CPU time counts. On a GPU it is a CUDA graph, of which
    the norms are a part, so they are timed as a graph of their own.
    """
    torch.set_num_threads(1)
    device = setting.device
    config = material.experiment(
        {"name": "resnet20"}, 128, "bf16", device, compute={"cuda_graph": setting.gpu}
    )
    way: Execution = "eager" if setting.gpu else "fused"
    trainer = ours.trainer(config, lambda: None, Path(tempfile.mkdtemp()), way)
    torch.set_num_threads(1)
    watch, steps = (
        Watch(device),
        (60 if setting.quick else 380) if setting.gpu else (6 if setting.quick else 40),
    )
    trainer.train_to(WARM_UP + 1)
    probe, log = trainer.probes[0], trainer.log
    log.append = watch.around("metrics.jsonl and TensorBoard", log.append)  # type: ignore[method-assign]
    if not setting.gpu:
        probe.read = watch.around("gradient norms", probe.read)  # type: ignore[method-assign]
    started = now(device)
    trainer.train_to(WARM_UP + 1 + steps)
    step = (now(device) - started) / steps
    found = {name: spent / steps for name, spent in watch.seconds.items()}
    if setting.gpu:
        found["gradient norms"] = seconds(captured(probe.read), device, warm_up=1)
    started = now(device)
    trainer.end_epoch()
    epoch_end = now(device) - started
    started = now(device)
    trainer.save()
    trainer.best.save(trainer.eval_model)
    saving = now(device) - started
    epoch = STEPS_AN_EPOCH * step
    return [
        {"cost": "a step, all included", "ms": 1000 * step, "of": "a step", "percent": 100.0},
        *share(found, "a step", step),
        *share({"checkpoints, last and best": saving, "all of an epoch's end": epoch_end}, "an epoch", epoch),
    ]


def share(costs: dict[str, float], whole: str, seconds: float) -> list[dict[str, Any]]:
    """Return a row a cost, with its share of the whole."""
    return [
        {"cost": name, "ms": 1000 * spent, "of": whole, "percent": 100 * spent / seconds}
        for name, spent in costs.items()
    ]
