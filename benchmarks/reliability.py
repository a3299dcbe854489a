"""What safety costs (python -m benchmarks.reliability): saving and finite checks beside the steps."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks import material
from skiprun.config import RunConfig
from skiprun.experiment.make_trainer import make_trainer
from skiprun.experiment.prepare import prepare
from skiprun.experiment.room import checkpoint_bytes
from skiprun.training.metrics import MetricsLog
from skiprun.training.state import find_not_finite
from skiprun.training.stopping import SECONDS_BETWEEN_SAVES
from skiprun.training.trainer import Trainer

IMAGES = 45_000  # of a pass over CIFAR's training split


def config_of(model: str) -> RunConfig:
    """Return the usual recipe, on one thread: two beside a busy neighbour would measure the neighbour."""
    compute = {"threads": 1, "compile": "off"}
    return material.experiment({"name": model}, 128, "cpu", compute, schedule={"epochs": 200})


def seconds(of: Callable[[], object], times: int) -> float:
    """Return the median time of a call, after one that is not counted."""
    of()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        of()
        found.append(time.perf_counter() - started)
    return statistics.median(found)


def measure(model: str) -> None:
    """Print the share of saving and of finite checks for one network."""
    with material.noise_as_cifar10(1000):
        parts = prepare(config_of(model))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trainer: Trainer = make_trainer(
            parts, folder, lambda keep: MetricsLog(folder / "metrics.jsonl", keep, []), None, lambda: None
        )
        trainer.load_checkpoint()
        trainer.model.train()
        step = seconds(trainer.train_step, 8)
        save = seconds(trainer.save, 5)
        weights = seconds(lambda: find_not_finite(trainer.model.state_dict()), 5)
        losses = [torch.ones(()) for _ in range(200)]
        check = seconds(lambda: torch.stack(losses).isfinite().tolist(), 5) / len(losses)
    pass_ = IMAGES / 128 * step
    interval = min(pass_, SECONDS_BETWEEN_SAVES)
    print(
        f"{model}: step {step * 1e3:.0f} ms; save {save * 1e3:.0f} ms ({checkpoint_bytes(parts) / 1e6:.1f} "
        f"MB), every {interval:.0f} s: {save / interval:.3%}; "
        f"finite checks {(check + weights * step / interval) / step:.4%}"
    )


if __name__ == "__main__":
    for name in ("resnet20", "resnet56", "resnet110"):
        measure(name)
