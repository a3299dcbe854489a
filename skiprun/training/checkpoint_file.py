"""A checkpoint as a file: checksummed, readable by `torch.load(weights_only=True)`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch

import skiprun
from skiprun.errors import CheckpointError, is_out_of_memory
from skiprun.legacy import checkpoint_of_today
from skiprun.models.weights.torch_file import load_plain
from skiprun.system.disk import storage_errors
from skiprun.system.files import write_bytes
from skiprun.system.sealed_zip import seal
from skiprun.training.seal import DamagedCheckpoint, refuse_bad_checksum
from skiprun.training.state import REQUIRED_KEYS, Checkpoint, find_not_finite, refuse_incomplete

FORMAT = 2  # 1 had other words, see skiprun.legacy


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
