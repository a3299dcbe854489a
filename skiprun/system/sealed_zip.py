"""A zip archive that carries its own checksum.

A zip archive, which a file of torch.save or of numpy.savez is, may end in a comment: the SHA-256 of all that
comes before it. So one file carries its own proof, is replaced in one rename, and is still an ordinary file
of torch or numpy. Why: docs/decisions/sealed-checkpoints.md.
"""

from __future__ import annotations

import hashlib
import struct

_END = b"PK\x05\x06"  # the zip format's end-of-directory record: 22 bytes, the last two count the comment's
_CHECKSUM_LENGTH = 64


def seal(archive: bytes) -> bytes:
    """Return a zip archive with its checksum as comment."""
    content = archive[:-2] + struct.pack("<H", _CHECKSUM_LENGTH)
    return content + _sum(content)


def checksum_of(sealed: bytes) -> str:
    """Return the checksum that a sealed archive ends in."""
    return sealed[-_CHECKSUM_LENGTH:].decode()


def is_unsealed(content: bytes) -> bool:
    """Tell whether a file's bytes are a zip archive that was never sealed."""
    return content[-22:-18] == _END


def damage(content: bytes) -> str | None:
    """Say what is wrong with the bytes of a sealed archive; None if they are what was written."""
    body, checksum = content[:-_CHECKSUM_LENGTH], content[-_CHECKSUM_LENGTH:]
    if body[-22:-18] != _END:
        return "damaged or cut short"
    return "damaged, its checksum does not match" if _sum(body) != checksum else None


def _sum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
