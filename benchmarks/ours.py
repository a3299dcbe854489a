"""skiprun's own loop, whole, as `skiprun train` runs it: data, step, gradient norms, log and TensorBoard."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from benchmarks import material
from benchmarks.loops import Tick
from benchmarks.measure import IMAGES, accept_nothing_less
from skiprun.config import RunConfig
from skiprun.experiment.make_trainer import logging_to, make_trainer
from skiprun.experiment.prepare import prepare
from skiprun.run import Run
from skiprun.system.progress import Record
from skiprun.training.trainer import Trainer

COMPILE = {"auto": "auto", "eager": "off", "fused": "fused", "compiled": "on"}  # as `compute.compile` says it


class Ticking:
    """Progress that calls a function at every step."""

    def __init__(self, tick: Tick) -> None:
        self.tick = tick

    def step(self, _step: int, _steps: int) -> None:
        """Call the function."""
        self.tick()

    def epoch(self, _record: Record) -> None:
        """Do nothing: the function is told of steps alone."""


def trainer(config: RunConfig, tick: Tick, folder: Path, images: int = IMAGES) -> Trainer:
    """Return skiprun's trainer of a config on noise; what is asked for and cannot be done is an error."""
    if config.compute.cuda_graph is True or config.compute.compile in ("fused", "on"):
        accept_nothing_less()
    with material.noise_as_cifar10(images):
        parts = prepare(config)
    run = Run.create(folder, config)
    trainer = make_trainer(parts, run.checkpoints, logging_to(run, parts), Ticking(tick), lambda: None)
    trainer.model.load_state_dict(material.network(config.model.name, config.model.width).state_dict())
    trainer.load_checkpoint()
    return trainer


def skiprun(
    tick: Tick,
    device: str,
    name: str,
    batch: int,
    precision: str = "bf16",
    way: str = "eager",
    graph: bool | None = None,
    every: int = 1,
    width: int | None = None,
    recompute: bool = False,
) -> None:
    """Train with skiprun, without the ends of epochs, which the other loops do not have.

    Args:
        tick: called after every step.
        device: cpu or cuda.
        name: of the network.
        batch: images a step.
        precision: as `compute.precision`.
        way: how the pass is computed: auto, eager, fused, compiled.
        graph: whether steps are captured on a GPU; None: as skiprun chooses.
        every: steps between two rows of log and TensorBoard, with the norm of every layer's gradient.
        width: of the network.
        recompute: whether activations are computed again.
    """
    compute = {"precision": precision, "compile": COMPILE[way], "activation_checkpointing": recompute}
    compute |= {} if graph is None else {"cuda_graph": graph}
    config = material.experiment({"name": name, "width": width}, batch, device, compute, log={"every": every})
    threads = torch.get_num_threads()
    running = trainer(config, tick, Path(tempfile.mkdtemp()))
    torch.set_num_threads(threads)
    with running.log, running.checkpoints:
        running.train_to(running.steps)
