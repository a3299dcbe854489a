"""The checksum of a checkpoint, in its own file.

A file of torch.save is a zip archive, which may end in a comment: the SHA-256 of all that comes before it.
So one file carries its own proof, is replaced in one rename, and is still an ordinary torch file. Why:
docs/decisions/sealed-checkpoints.md.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from skiprun.errors import CheckpointError

_END = b"PK\x05\x06"  # the zip format's end-of-directory record: 22 bytes, the last two count the comment's
_CHECKSUM_LENGTH = 64


class DamagedCheckpoint(CheckpointError):
    """The file is not what was written; an older one may still be."""


def seal(archive: bytes) -> bytes:
    """Return a zip archive with its checksum as comment."""
    content = archive[:-2] + struct.pack("<H", _CHECKSUM_LENGTH)
    return content + hashlib.sha256(content).hexdigest().encode()


def refuse_bad_checksum(path: Path, content: bytes) -> None:
    """Raise CheckpointError unless a file's bytes end in the checksum of all that comes before it."""
    body, sum_of_body = content[:-_CHECKSUM_LENGTH], content[-_CHECKSUM_LENGTH:]
    if content[-22:-18] == _END:
        way_out = "To start from another program's weights, set model.weights."
        raise CheckpointError(f"{path}: not a checkpoint of skiprun. {way_out}")
    if body[-22:-18] != _END:
        raise DamagedCheckpoint(f"{path}: damaged or cut short; not a whole checkpoint.")
    if hashlib.sha256(body).hexdigest().encode() != sum_of_body:
        raise DamagedCheckpoint(f"{path}: damaged, its checksum does not match.")
