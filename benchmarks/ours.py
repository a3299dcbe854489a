"""skiprun's own loop, whole, as `skiprun train` runs it: data, step, gradient norms, log and TensorBoard."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import material
from benchmarks.loops import Tick
from benchmarks.measure import IMAGES, accept_nothing_less
from skiprun.probes.grad_norm import GradNorm
from skiprun.system.progress import Record
from skiprun.tasks.classification import Classification
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.device import Execution, choose_device, configure_process
from skiprun.training.metrics import MetricsLog, View
from skiprun.training.trainer import Trainer
from skiprun.training.views.tensorboard import TensorBoard


class Ticking:
    """Progress that calls a function at every step."""

    def __init__(self, tick: Tick) -> None:
        self.tick = tick

    def step(self, _step: int, _steps: int) -> None:
        """Call the function."""
        self.tick()

    def epoch(self, _record: Record) -> None:
        """Do nothing: the function is told of steps alone."""


def trainer(config: Any, tick: Tick, folder: Path, way: Execution = "eager", norms: bool = True) -> Trainer:
    """Return skiprun's trainer of a config on the drawn images; what cannot be done as asked is an error."""
    accept_nothing_less()
    setup = replace(choose_device(config), execution=way)
    configure_process(setup)
    views: list[View] = [TensorBoard(folder, config)] if config.log.tensorboard else []
    trainer = Trainer(
        material.network(config.model.name, config.model.width),
        Classification(),
        material.loaders(IMAGES, config),
        config,
        setup,
        Checkpoints(folder),
        lambda keep: MetricsLog(folder / "metrics.jsonl", keep, views),
        [GradNorm()] if norms else [],
        Ticking(tick),
    )
    trainer.load_checkpoint()
    return trainer


def skiprun(
    tick: Tick,
    device: str,
    name: str,
    batch: int,
    precision: str = "bf16",
    way: Execution = "eager",
    graph: bool = False,
    norms: bool = True,
    tensorboard: bool = True,
    width: int | None = None,
    recompute: bool = False,
) -> None:
    """Train with skiprun; norms, metrics and TensorBoard every step unless switched off."""
    log = {"every": 1, "tensorboard": tensorboard}
    model = {"name": name, "width": width}
    config = material.experiment(
        model,
        batch,
        precision,
        device,
        log=log,
        compute={"activation_checkpointing": recompute, "cuda_graph": graph},
    )
    threads = torch.get_num_threads()
    running = trainer(config, tick, Path(tempfile.mkdtemp()), way, norms)
    torch.set_num_threads(threads)
    running.fit()
