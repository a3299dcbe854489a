"""Names of arrays of decoded images: by names and sizes of the files, the conversion, and the content."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.listing import Listing

# Raised when the same files would give other arrays, or other files.
VERSION = 2


def key(listing: Listing, how: Conversion) -> str:
    """Return a digest of names, sizes and conversion, which arrays of these images begin with."""
    return blake2b(
        f"{VERSION} {conversion_key(how)} {listing.digest(of_times=False)}".encode(), digest_size=16
    ).hexdigest()


def conversion_key(how: Conversion) -> str:
    """Return a conversion as text; its span follows from the images."""
    return f"{how.size} {how.fit} {how.background}"


def content_of(digests: Iterable[bytes]) -> str:
    """Return the digest of a folder's files from the digests of each, in order."""
    return blake2b(b"".join(digests), digest_size=16).hexdigest()
