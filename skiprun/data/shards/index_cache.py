"""The indexes of shards in the user's cache: built once, one file a shard, by one process at a time.

    webdataset/<place and conversion>-<size and time>.npz       what `ShardIndex` holds of one shard

A shard that is unchanged by name, size and time is not read again; a build that was killed goes on with the
shard that it was at. A zip file carries sums of its parts, so a damaged index is found when it is read, and
made again.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from skiprun.data.download.place import locked
from skiprun.data.folders.array_names import conversion_key
from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.workers import in_order
from skiprun.data.notices import notice
from skiprun.data.shards.shard_index import ShardIndex, index_shard
from skiprun.data.source import Array
from skiprun.errors import BadImage
from skiprun.system.cache import cache_folder
from skiprun.system.disk import storage_errors
from skiprun.system.files import delete_spare, remove_leftovers, write_bytes
from skiprun.system.machine import cores
from skiprun.system.progress import ProgressCallback

# Raised when the same shard would give another index.
VERSION = 1


def indexed(
    shards: Sequence[Path], how: Conversion, progress: ProgressCallback, skip_bad: bool
) -> list[ShardIndex]:
    """Return the index of each shard, from the cache or made now; the moments stay there.

    Raises:
        BadImage: the first that cannot be used, unless it may be left out.
        InputError: a shard is damaged.
        StorageError: the cache cannot be written.
    """
    folder = cache_folder() / "webdataset"
    found = {shard: read_index(index_file(folder, shard, how)) for shard in shards}
    if missing := [shard for shard, index in found.items() if index is None]:
        with locked(folder, progress) as reporting:
            remove_leftovers(folder)
            build_indices(folder, missing, how, reporting, skip_bad)
        found |= {shard: read_index(index_file(folder, shard, how)) for shard in missing}
    for shard, index in found.items():
        refuse_bad_shard(shard, index, skip_bad)
    return [index for index in found.values() if index is not None]


def build_indices(
    folder: Path, shards: Sequence[Path], how: Conversion, progress: ProgressCallback, skip_bad: bool
) -> None:
    """Index the shards that another process has not indexed meanwhile, several at once."""
    rest = [shard for shard in shards if read_index(index_file(folder, shard, how)) is None]
    if not rest:
        return
    results = in_order(partial(index_shard, how=how), rest, len(cores()))
    for number, (shard, index) in enumerate(zip(rest, results, strict=True), 1):
        refuse_bad_shard(shard, index, skip_bad)
        file = index_file(folder, shard, how)
        for old in folder.glob(f"{file.name.partition('-')[0]}-*.npz"):
            delete_spare(old)
        write_bytes(file, to_bytes(index))
        progress(number, len(rest), "indexing shards")


def refuse_bad_shard(shard: Path, index: ShardIndex | None, skip_bad: bool) -> None:
    """Refuse a shard with an image that cannot be used, unless it may be left out."""
    if index and index.bad and not skip_bad:
        name, problem = next(iter(index.bad.items()))
        raise BadImage(shard / name, problem)


def index_file(folder: Path, shard: Path, how: Conversion) -> Path:
    """Return where the index of a shard is kept, by what the shard is now."""
    with storage_errors("read", shard):
        status = shard.stat()
    place = f"{VERSION} {conversion_key(how)} {shard}"
    names = (place, f"{status.st_size} {status.st_mtime_ns}")
    return folder / f"{'-'.join(blake2b(name.encode(), digest_size=12).hexdigest() for name in names)}.npz"


def index_files(shards: Sequence[Path], how: Conversion) -> list[Path]:
    """Return where the indexes of shards are kept."""
    return [index_file(cache_folder() / "webdataset", shard, how) for shard in shards]


def to_bytes(index: ShardIndex) -> bytes:
    """Return an index as a file."""
    about = {"shape": index.shape, "digest": index.digest, "tally": index.tally, "bad": index.bad}
    buffer = io.BytesIO()
    arrays = {name: getattr(index, name) for name in ("blocks", "sizes", "labels", "moments")}
    np.savez(buffer, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
    return buffer.getvalue()


def read_index(file: Path) -> ShardIndex | None:
    """Return what a file holds, without the moments; None where there is none, or it is damaged."""
    if not file.exists():
        return None
    try:
        with np.load(file) as kept:
            about: dict[str, Any] = json.loads(kept["about"].tobytes())
            arrays = {name: kept[name] for name in ("blocks", "sizes", "labels")}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
        notice(f"{file} was damaged; the shard is indexed again.")
        return None
    height, width, channels = about.pop("shape")
    return ShardIndex(shape=(height, width, channels), **about, **arrays)


def read_moments(file: Path) -> Array:
    """Return the moments of the images of a shard, int64 [n, 2, 3]."""
    with storage_errors("read", file), np.load(file) as kept:
        found: Array = kept["moments"]
        return found
