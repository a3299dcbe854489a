"""What is known of the architectures, kept in a file whose name changes with the sources and with torch."""

from __future__ import annotations

import contextlib
import importlib.util
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from skiprun.errors import StorageError
from skiprun.models.complexity.rows import Catalog
from skiprun.system.cache import cache_folder
from skiprun.system.documents import read_cached, write_sealed
from skiprun.system.files import make_folder

WINGS = ("skiprun.models", "skiprun.models.families", "skiprun.connections")


def cache_file() -> Path:
    """Return the place of what is known of the architectures."""
    return cache_folder() / f"models-{_key()}.json"


def _key() -> str:
    """Return a digest of the wings' sources and of the versions of what they call."""
    digest = blake2b(digest_size=8)
    for package in ("torch", "torchvision"):
        digest.update(metadata.version(package).encode())
    for wing in WINGS:
        spec = importlib.util.find_spec(wing)
        folders = spec.submodule_search_locations if spec else None
        for file in sorted(file for folder in folders or [] for file in Path(folder).rglob("*.py")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def read_catalog() -> Catalog | None:
    """Return what is known, or None where there is no cache or it is damaged."""
    with contextlib.suppress(StorageError):  # there may be no place for it
        return read_cached(cache_file(), Catalog)
    return None


def write_catalog(known: Catalog) -> None:
    """Replace the cache and delete those of other versions; a listing does not fail for a disk."""
    with contextlib.suppress(StorageError, OSError):
        file = cache_file()
        make_folder(file.parent)
        write_sealed(file, known)
        for old in file.parent.glob("models-*.json"):
            if old != file:
                old.unlink()
