"""Check reproducibility: train recorded steps of a run again and compare them bit by bit."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from skiprun.errors import CheckpointError, Stopped
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.make_trainer import make_trainer
from skiprun.experiment.prepare import prepare
from skiprun.experiment.study_runner.retrain import as_trained
from skiprun.run import Run
from skiprun.system.disk import storage_errors
from skiprun.system.documents import Row
from skiprun.system.ordinary_files import read_bytes
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.metrics import MetricsLog
from skiprun.training.state import Checkpoint


@dataclass(frozen=True)
class Replay:
    """What was trained again, and how it compares.

    Attributes:
        first, last: the steps between which it trained.
        rows: logged records that were compared.
        weights: whether `last` is the step of last.pt, so that weights and optimizer were compared too.
        notes: why bits might differ, as far as that is known.
        differs: the first thing that differs; None if every bit is the same.
    """

    first: int
    last: int
    rows: int
    weights: bool
    differs: str | None
    notes: tuple[str, ...] = ()


def replay(run: Run, steps: int, root: Path | None = None) -> Replay:
    """Train up to so many steps again from previous.pt, or from the start; the run itself is not changed.

    Args:
        run: with a checkpoint.
        steps: at most.
        root: where its data is now; None: where it was.

    Raises:
        CheckpointError: there is no last.pt to compare with, or a checkpoint to begin from is damaged.
        OtherData: the data is not what the run was trained on.
    """
    theirs = load(Checkpoints(run.checkpoints).last)
    with run.lock(), tempfile.TemporaryDirectory() as folder:
        first, last, logged, notes = _train_again(run, root, Path(folder), steps, theirs["step"])
        ours = load(Checkpoints(Path(folder)).last)
    reached = last == theirs["step"]
    rows, differs = _compare_rows(logged, _rows_between(run, first, last))
    if differs is None and reached:
        differs = first_difference(theirs, ours)
    return Replay(first, last, rows, reached, differs, notes)


def _train_again(
    run: Run, root: Path | None, folder: Path, steps: int, end: int
) -> tuple[int, int, list[Row], tuple[str, ...]]:
    """Train in another folder; return first and last step, the records between, and what was noted."""
    kept, metrics = Checkpoints(run.checkpoints), folder / run.metrics_file.name
    if kept.previous.exists():
        for file in (kept.previous, kept.best):
            load(file)  # a damaged one is named here, by its own path
        shutil.copy(kept.previous, Checkpoints(folder).last)
        shutil.copy(kept.best, Checkpoints(folder).best)
        with storage_errors("read", run.metrics_file):
            metrics.write_bytes(read_bytes(run.metrics_file))
    config = as_trained(run).replace(data=config_with_data(run, root).to_dict()["data"])
    trainer = make_trainer(
        prepare(config, accept=KnownData(run, way_out="train it anew under another name")),
        folder,
        lambda keep_bytes: MetricsLog(metrics, keep_bytes, []),
        None,
        lambda: signal.SIGTERM if trainer.step >= last else None,
    )
    trainer.load_checkpoint()
    first, last = trainer.step, min(trainer.step + steps, end)
    if last <= first:
        raise CheckpointError(
            f"{kept.last}: of step {end}, no later than the one before it; nothing to replay."
        )
    with contextlib.suppress(Stopped):
        trainer.fit()
    notes = tuple(note.replace(str(folder), str(run.path)) for note in trainer.notes)
    return first, last, _rows_between(Run(folder), first, last), notes


def _rows_between(run: Run, first: int, last: int) -> list[Row]:
    """Return the records of a run behind one step and up to another."""
    return [row for row in run.rows() if first < (row["step"] or 0) <= last]


def _compare_rows(ours: list[Row], theirs: list[Row]) -> tuple[int, str | None]:
    """Return how many records were compared, and what the first one that differs says."""
    known = {(row["step"], "lr" in row): row for row in theirs}  # rows of steps have a learning rate
    for row in ours:
        other = known.get((row["step"], "lr" in row), {})
        for tag, value in row.items():
            if not tag.startswith("time/") and other.get(tag) != value:
                return len(ours), f"{tag} at step {row['step']}: {other.get(tag)} then, {value} now"
    return len(ours), None


def first_difference(theirs: Checkpoint, ours: Checkpoint) -> str | None:
    """Return the name of the first tensor of network, average or optimizer that differs, and by how much."""
    again = dict(_named_tensors(ours))
    for name, tensor in _named_tensors(theirs):
        if not torch.equal(tensor, again[name]):
            distance = (tensor.double() - again[name].double()).abs().max().item()
            return f"{name}: by {distance:g} at most"
    return None


def _named_tensors(state: Checkpoint) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a state by name."""
    for part, tensors in (("model", state["model"]), ("ema_model", state["ema_model"] or {})):
        for name, tensor in tensors.items():
            yield f"{part}.{name}", tensor
    for number, slots in state["optimizer"]["state"].items():
        for slot, value in slots.items():
            if isinstance(value, Tensor):
                yield f"optimizer.{number}.{slot}", value
