"""The images of shards as an array of rows: decoded when they are asked for, in threads.

What a process holds grows by 8 bytes an image, whatever the shards hold.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.scanning import decode
from skiprun.data.shards.samples import BLOCK
from skiprun.data.shards.shard_index import ShardIndex
from skiprun.data.source import Array
from skiprun.errors import BadImage, InputError
from skiprun.system.disk import storage_errors
from skiprun.system.machine import cores

LARGE = 128 * 128  # pixels of an image from which on several threads decode
CHUNK = 16  # images that a thread decodes in one go
OPEN_FILES = 128


class OpenShard:
    """A shard that is open for reading, as long as somebody holds it."""

    def __init__(self, path: Path) -> None:
        with storage_errors("read", path):
            self.path, self.descriptor = path, os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def __del__(self) -> None:
        if descriptor := getattr(self, "descriptor", None):
            os.close(descriptor)

    def read(self, block: int, size: int) -> tuple[str, bytes]:
        """Return the name and the content of a file by the block that it begins with."""
        with storage_errors("read", self.path):
            found = os.pread(self.descriptor, BLOCK + size, (block - 1) * BLOCK)
        return found[:100].partition(b"\0")[0].decode(errors="replace"), found[BLOCK:]


class ShardImages:
    """Images uint8 [N, H, W, 3], one shard after the other."""

    def __init__(self, shards: Sequence[Path], indexes: Sequence[ShardIndex], how: Conversion) -> None:
        self.shards, self.how = shards, how
        counts = [len(index) for index in indexes]
        self.starts = np.cumsum([0, *counts])
        self.blocks, self.sizes = (
            np.concatenate([getattr(index, name) for index in indexes]) for name in ("blocks", "sizes")
        )
        self.shape = (len(self.sizes), *common_shape(shards, indexes))
        self.open = lru_cache(maxsize=OPEN_FILES)(OpenShard)

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def nbytes(self) -> int:
        """The size of all images, decoded."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, rows: Array) -> Array:
        """Return the images of some rows, int64 [n]."""
        parts = [rows[at : at + CHUNK] for at in range(0, len(rows), CHUNK)]
        return np.concatenate(list(self.pool.map(self._decode, parts)))

    def shard_sizes(self, rows: Array) -> list[int]:
        """Return how many of some rows, which rise, are in each shard."""
        return [count for count in np.diff(np.searchsorted(rows, self.starts)).tolist() if count]

    def _decode(self, rows: Array) -> Array:
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for number, row in enumerate(rows.tolist()):
            images[number] = self._image(row)
        return images

    def _image(self, row: int) -> Array:
        shard = self.shards[int(np.searchsorted(self.starts, row, "right")) - 1]
        name, content = self.open(shard).read(int(self.blocks[row]), int(self.sizes[row]))
        try:
            image = decode(shard / name, content, self.how)
        except BadImage as error:
            raise BadImage(
                error.path, f"{error.problem}; it could be read when the shard was indexed"
            ) from None
        if image.shape != self.shape[1:]:
            raise BadImage(shard / name, "has another size than when the shard was indexed; start again")
        return image

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads that decode."""
        return ThreadPoolExecutor(decoders(self.shape), "decode")


def decoders(shape: tuple[int, ...]) -> int:
    """Return how many threads decode images of a shape [N, H, W, C].

    One a core, as decoding frees Python's lock. Of a small image it does so for too short a time: two threads
    decode half as many images of 32x32 a second as one, as many PNG of 64x64, and more from 128x128 on.
    """
    return len(cores()) if shape[1] * shape[2] >= LARGE else 1


def common_shape(shards: Sequence[Path], indexes: Sequence[ShardIndex]) -> tuple[int, int, int]:
    """Return the one shape of all images.

    Raises:
        InputError: there are several, or no image.
    """
    shapes = {index.shape: shard for shard, index in zip(shards, indexes, strict=True) if len(index)}
    if len(shapes) != 1:
        found = ", ".join(f"{width}x{height} in {shard.name}" for (height, width, _), shard in shapes.items())
        raise InputError(
            f"The images of the shards differ in size: {found}; say one size, such as data.image_size=64."
            if found
            else f"None of the images in {shards[0]} and the shards beside it can be used."
        )
    return next(iter(shapes))
