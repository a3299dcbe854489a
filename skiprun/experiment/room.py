"""Estimate the disk space that a run needs, before its first step."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from skiprun.errors import StorageError
from skiprun.experiment.parts import Parts
from skiprun.inference.kept_images import MOST_BYTES
from skiprun.system.disk import free_bytes
from skiprun.training.schedule import total_steps

BYTES_PER_VALUE = 70  # of a metric: about 30 as text in metrics.jsonl, about 40 as an event

BYTES_PER_IMAGE = 32  # of a test image: four scores of its mask, or its label and the predicted one


def checkpoint_bytes(parts: Parts) -> int:
    """Return about how large last.pt will be: weights, their average, the optimizer's memory."""
    optim = parts.config.optim
    copies = 2 if optim.ema else 1
    slots = {"sgd": bool(optim.momentum), "rmsprop": 1 + bool(optim.momentum)}.get(optim.name, 2)
    learning = (parameter for parameter in parts.model.parameters() if parameter.requires_grad)
    return copies * bytes_of(parts.model.state_dict().values()) + slots * bytes_of(learning)


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of tensors."""
    return sum(tensor.nbytes for tensor in tensors)


def images_bytes(parts: Parts) -> int:
    """Return about how large test.npz will be."""
    images = len(parts.loaders.test)
    logits = 2 * images * parts.loaders.num_classes if parts.loaders.task == "classification" else 0
    return BYTES_PER_IMAGE * images + (logits if logits <= MOST_BYTES else 0)


def room_needed(parts: Parts) -> int:
    """Return about how many bytes a run takes: three of last.pt (one being written), best.pt, the rest."""
    rows = total_steps(parts.config, len(parts.loaders.train)) // parts.config.log.every + 1
    values = parts.cost.layers + 10 if parts.config.probes else 5
    return (
        3 * checkpoint_bytes(parts)
        + bytes_of(parts.model.state_dict().values())
        + rows * values * BYTES_PER_VALUE
        + images_bytes(parts)
    )


def check_room(parts: Parts, folder: Path) -> None:
    """Raise StorageError before the first step if a run will not fit on the disk of its folder."""
    there = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    needed, free = room_needed(parts) - there, free_bytes(folder)
    if needed > free:
        raise StorageError(
            f"{folder}: the run needs about {needed / 1e6:.1f} MB of disk, and {free / 1e6:.1f} MB are free. "
            "Make room, or choose another folder with --runs."
        )
