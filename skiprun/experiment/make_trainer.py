"""Build the trainer of a run, with its log, the views of it and its probes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skiprun.data.contract import TrainingData
from skiprun.data.predrawn import PartOfBatch, PredrawnData
from skiprun.experiment.parts import Parts
from skiprun.registry import PROBES
from skiprun.run import Run
from skiprun.system.progress import NullProgress, Progress
from skiprun.system.ranks import ALONE, Ranks
from skiprun.training.acceleration.branch import Branch
from skiprun.training.acceleration.branches import Branches
from skiprun.training.acceleration.graph import StepGraph
from skiprun.training.checkpoint import Checkpoints, ReadCheckpoints
from skiprun.training.metrics import MetricsLog, NullLog, View
from skiprun.training.surroundings import Surroundings
from skiprun.training.trainer import Trainer
from skiprun.training.views.overlays import Overlays
from skiprun.training.views.tensorboard import TensorBoard

OpenLog = Callable[[int], MetricsLog]


def logging_to(run: Run, parts: Parts) -> OpenLog:
    """Return what opens the log of a run, with TensorBoard's view of it if the config wants that."""

    def open_log(keep_bytes: int) -> MetricsLog:
        return MetricsLog(
            run.metrics_file, keep_bytes, views(run, parts) if parts.config.log.tensorboard else []
        )

    return open_log


def views(run: Run, parts: Parts) -> list[View]:
    """Return what shows a run while it trains: TensorBoard, with overlays where there are masks."""
    board = TensorBoard(run.path, parts.config)
    if parts.loaders.task != "segmentation":
        return [board]
    schedule, samples = parts.config.schedule, len(parts.loaders.train)
    epochs = schedule.epochs or (schedule.steps or 0) * parts.config.data.batch_size / samples
    return [board, Overlays(run.overlays, parts.model, parts.loaders, parts.setup, epochs, board)]


def make_trainer(
    parts: Parts,
    folder: Path,
    open_log: OpenLog | None,
    progress: Progress | None,
    stop_signal: Callable[[], int | None],
    branches: Branches | None = None,
    ranks: Ranks = ALONE,
) -> Trainer:
    """Return the trainer of a config; `resume` looks for checkpoints in the folder, which rank 0 writes.

    Args:
        parts: of the run.
        folder: of its checkpoints.
        open_log: opens its log; None: another rank writes it.
        progress: told of steps and epochs.
        stop_signal: returns the signal that asks to save or to stop.
        branches: makes the steps of several runs together; None: the run is alone.
        ranks: that train it together.
    """
    probes = [PROBES[name].target() for name in parts.config.probes]
    surroundings = Surroundings(
        ReadCheckpoints(folder) if ranks.rank else Checkpoints(folder),
        open_log or (lambda _: NullLog()),
        probes,
        progress or NullProgress(),
        stop_signal,
        ranks,
        parts.evaluation_batch_size,
    )
    trainer = Trainer(
        parts.model,
        parts.task,
        training_data(parts, branches is not None, ranks),
        parts.config,
        parts.setup,
        surroundings,
    )
    if branches and isinstance(trainer.graph, StepGraph):
        trainer.graph = Branch(branches, trainer.graph)
    return trainer


def training_data(parts: Parts, beside_others: bool, ranks: Ranks) -> TrainingData:
    """Return the data of a run as its trainer asks for it: a rank's part, or drawn before the step."""
    if ranks.count > 1:
        augment = parts.config.data.augment
        mixes = bool(augment.mixup or augment.cutmix)
        return PartOfBatch(parts.loaders, ranks, parts.config.optim.accumulate, mixes)
    return PredrawnData(parts.loaders) if beside_others else parts.loaders
