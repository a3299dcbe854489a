"""Checkpoints: atomic, with a checksum, the last two kept, readable by `torch.load(weights_only=True)`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

import skiprun
from skiprun.errors import CheckpointError, is_out_of_memory
from skiprun.legacy import checkpoint_of_today
from skiprun.models.weights.torch_file import load_plain
from skiprun.system.disk import storage_errors
from skiprun.system.files import replace_keeping, write_bytes
from skiprun.training.seal import DamagedCheckpoint, refuse_bad_checksum, seal
from skiprun.training.state import Checkpoint

FORMAT = 2  # 1 had other words, see skiprun.legacy
# What every checkpoint holds, and what a run that goes on needs besides.
REQUIRED_KEYS = {"format": int, "skiprun": str, "model": dict}
RESUME_KEYS = {"config": dict, "data": str, "threads": int, "optimizer": dict, "step": int, "epoch": int}
RESUME_KEYS |= {"totals": dict, "seconds": dict, "best": dict, "final": dict}


def save(path: Path, state: Mapping[str, object]) -> None:
    """Write a state of tensors, numbers, texts, lists and dicts as one checksummed file."""
    write_bytes(path, with_checksum(state))


def with_checksum(state: Mapping[str, object]) -> bytes:
    """Return the bytes of torch.save with their checksum as the archive's comment."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "skiprun": skiprun.__version__, **state}, buffer)
    return seal(buffer.getvalue())


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a file that `save` wrote.

    Raises:
        CheckpointError: it is missing, damaged, foreign, or of a newer format.
    """
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such checkpoint.")
    if not path.is_file():
        raise DamagedCheckpoint(f"{path}: damaged, not an ordinary file.")
    with storage_errors("read", path):
        content = path.read_bytes()
    refuse_bad_checksum(path, content)
    try:
        found = load_plain(io.BytesIO(content), device)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise DamagedCheckpoint(f"{path}: cannot be read as weights ({type(error).__name__}).") from None
    refuse_incomplete(path, found, REQUIRED_KEYS)
    state = cast(Checkpoint, checkpoint_of_today(found))
    if state["format"] > FORMAT:
        raise CheckpointError(f"{path}: written by skiprun {state['skiprun']}, newer than this one; upgrade.")
    for tensors in (state["model"], state.get("ema_model")):
        if bad := find_not_finite(tensors or {}):
            raise DamagedCheckpoint(f"{path}: the values of '{bad}' are not finite.")
    return state


def refuse_incomplete(path: Path, state: object, needed: Mapping[str, type]) -> None:
    """Raise CheckpointError unless a state holds what it needs, each of its kind."""
    found = state if isinstance(state, dict) else {}
    if lacking := [key for key, kind in needed.items() if not isinstance(found.get(key), kind)]:
        raise DamagedCheckpoint(f"{path}: damaged, it lacks {', '.join(lacking)}.")


def find_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity; one synchronization for all of them."""
    floating = {
        name: tensor
        for name, tensor in tensors.items()
        if isinstance(tensor, Tensor) and tensor.is_floating_point() and tensor.numel()
    }
    if not floating:
        return None
    finite = torch.stack([tensor.isfinite().all() for tensor in floating.values()]).tolist()
    return next((name for name, good in zip(floating, finite, strict=True) if not good), None)


class Checkpoints:
    """The checkpoints of one run: last.pt and the one before it, and best.pt.

    Attributes:
        saved_step: the step of last.pt; None: not saved yet.
    """

    def __init__(self, folder: Path) -> None:
        self.last, self.previous, self.best = folder / "last.pt", folder / "previous.pt", folder / "best.pt"
        self.saved_step: int | None = None

    @property
    def step(self) -> int | None:
        """The step of last.pt, None if there is no such file: not saved yet, or deleted by somebody since."""
        return self.saved_step if self.last.exists() else None

    def save_last(self, state: Checkpoint) -> None:
        """Write the newest state; the one before it stays until the new one is whole on the disk."""
        replace_keeping(self.last, self.previous, with_checksum(state))
        self.saved_step = state["step"]

    def load_last(self, device: torch.device) -> tuple[Checkpoint | None, list[str]]:
        """Return the newest whole state, or None if there never was one, and what a person should know.

        Raises:
            CheckpointError: there are checkpoints, but none can be used.
        """
        damaged: dict[Path, str] = {}
        for path in (self.last, self.previous):
            if path.exists():
                try:
                    state = load(path, device)
                except DamagedCheckpoint as error:
                    damaged[path] = str(error)
                    continue
                for bad in damaged:  # out of the way, or the next save would keep it in place of the good one
                    with storage_errors("rename", bad):
                        bad.replace(bad.with_suffix(".damaged"))
                problems = list(damaged.values())
                if path == self.previous:
                    problems = problems or [f"{self.last}: there is no such checkpoint."]
                return state, [f"{problem} The one before it is used." for problem in problems]
        if damaged:
            way_out = "No checkpoint is left; `skiprun train --fresh` starts it over."
            raise CheckpointError("\n".join([*damaged.values(), way_out]))
        return None, []
