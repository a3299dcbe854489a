"""Checkpoints: atomic, sealed with their own checksum, two kept, readable by `torch.load(weights_only=True)`.

A file of torch.save is a zip archive, and a zip archive may end in a comment. The comment holds the SHA-256 of all that
comes before it. So one file carries its own proof, is replaced in one rename, and is still an ordinary torch file.
torch itself checks no sum: of 400 flipped bits it loads nearly all as silently wrong weights.
"""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import torch

from skiprun.errors import CheckpointError
from skiprun.storage import plain_words, replace_keeping, write_bytes

FORMAT = 1
_END = b"PK\x05\x06"  # the zip format's end-of-directory record: 22 bytes, the last two count the comment's
_SEAL = 64


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state of tensors, numbers, texts, lists and dicts as one sealed file."""
    write_bytes(path, sealed(state))


def sealed(state: dict[str, Any]) -> bytes:
    """Return the bytes of torch.save with their checksum as the archive's comment."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    content = buffer.getvalue()
    content = content[:-2] + struct.pack("<H", _SEAL)
    return content + hashlib.sha256(content).hexdigest().encode()


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a sealed file.

    Raises:
        CheckpointError: it is missing, damaged, foreign, or of a newer format.
    """
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such checkpoint.")
    with plain_words("read", path):
        content = path.read_bytes()
    body, seal = content[:-_SEAL], content[-_SEAL:]
    if body[-22:-18] != _END:
        raise CheckpointError(f"{path}: not a whole skiprun checkpoint (damaged, cut short, or of another program).")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise CheckpointError(f"{path}: damaged, its checksum does not match.")
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{path}: cannot be read as plain weights ({type(error).__name__}).") from None
    if not isinstance(state, dict) or state.get("format", 0) > FORMAT:
        raise CheckpointError(f"{path}: written by a newer skiprun; upgrade to read it.")
    return state


class Checkpoints:
    """The checkpoints of one run: last.pt and the one before it, and best.pt."""

    def __init__(self, folder: Path) -> None:
        self.last, self.previous, self.best = folder / "last.pt", folder / "previous.pt", folder / "best.pt"

    def save_last(self, state: dict[str, Any]) -> None:
        """Write the newest state; the one before it stays until the new one is whole on the disk."""
        replace_keeping(self.last, self.previous, sealed(state))

    def load_last(self, device: torch.device) -> tuple[dict[str, Any] | None, list[str]]:
        """Return the newest state that is whole, or None if there never was one, and what had to be passed over.

        Raises:
            CheckpointError: there are checkpoints, but all are damaged.
        """
        passed_over: list[str] = []
        for path in (self.last, self.previous):
            if path.exists():
                try:
                    return load(path, device), passed_over
                except CheckpointError as error:
                    passed_over.append(str(error))
                    # Out of the way, or the next save would keep it in place of the good one.
                    path.replace(path.with_suffix(".damaged"))
        if passed_over:
            raise CheckpointError("\n".join([*passed_over, "No checkpoint is left; start over with --fresh."]))
        return None, passed_over
