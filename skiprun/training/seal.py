"""Refuse a checkpoint that is not what was written; what seals it is `skiprun.system.sealed_zip`."""

from __future__ import annotations

from pathlib import Path

from skiprun.errors import CheckpointError
from skiprun.system.sealed_zip import damage, is_unsealed


class DamagedCheckpoint(CheckpointError):
    """The file is not what was written; an older one may still be."""


def refuse_bad_checksum(path: Path, content: bytes) -> None:
    """Raise CheckpointError unless a file's bytes end in the checksum of all that comes before it."""
    if is_unsealed(content):
        way_out = "To start from another program's weights, set model.weights."
        raise CheckpointError(f"{path}: not a checkpoint of skiprun. {way_out}")
    if wrong := damage(content):
        raise DamagedCheckpoint(f"{path}: {wrong}.")
