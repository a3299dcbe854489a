"""The index of a shard: where each image lies, its class, and what is counted of its pixels.

All images of a shard are decoded once for that, so damage is told before training begins. This module does
not import torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np

from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.deep_images import Deep
from skiprun.data.folders.scanning import decode
from skiprun.data.shards.samples import BLOCK, ShardSample, samples_of
from skiprun.data.source import Array, channel_moments
from skiprun.errors import BadImage, InputError


@dataclass(frozen=True)
class ShardIndex:
    """What is known of the images of a shard that can be used, in their order.

    Attributes:
        shape: height, width, channels of each, once converted.
        blocks: where each begins, in blocks of 512 bytes, uint32 [n].
        sizes: in bytes, uint32 [n].
        labels: int32 [n].
        digest: of the images' bytes and labels.
        tally: what they may have lost; see `convert`.
        bad: what is wrong with others, by the names of their files.
        moments: sums and sums of squares of their pixels, int64 [n, 2, 3]; None where they were left on the
            disk.
    """

    shape: tuple[int, int, int]
    blocks: Array
    sizes: Array
    labels: Array
    digest: str
    tally: dict[str, int] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    moments: Array | None = None

    def __len__(self) -> int:
        return len(self.labels)


def index_shard(shard: Path, how: Conversion) -> ShardIndex:
    """Read a shard from its beginning to its end.

    Raises:
        InputError: it is damaged, holds no sample, or its images differ in size and `how` does not say which
            they shall have.
    """
    tally: Counter[str] = Counter()
    bad: dict[str, str] = {}
    digest = blake2b(digest_size=16)
    shape: tuple[int, ...] | None = None
    rows, sums = [], []
    for sample, image in decoded_samples(shard, how, tally, bad, digest):
        shape = shape or image.shape
        if image.shape != shape:
            sizes = [f"{width}x{height}" for height, width, _ in (shape, image.shape)]
            raise InputError(
                f"{shard / sample.name} is {sizes[1]}, and images before it are {sizes[0]}; say one size "
                "for all, such as data.image_size=64."
            )
        rows.append((sample.offset // BLOCK, sample.size, sample.label))
        sums.append(channel_moments(image[None])[0])
    if shape is None and not bad:
        raise InputError(f"{shard} holds no images with labels; a sample is 0001.jpg and 0001.cls, or .json.")
    table = np.array(rows, np.int64).reshape(-1, 3)
    return ShardIndex(
        shape=tuple(shape or (0, 0, 3)),  # type: ignore[arg-type]
        blocks=table[:, 0].astype(np.uint32),
        sizes=table[:, 1].astype(np.uint32),
        labels=table[:, 2].astype(np.int32),
        digest=digest.hexdigest(),
        tally=dict(tally),
        bad=bad,
        moments=np.array(sums, np.int64).reshape(-1, 2, 3),
    )


def decoded_samples(
    shard: Path, how: Conversion, tally: Counter[str], bad: dict[str, str], digest: blake2b
) -> Iterator[tuple[ShardSample, Array]]:
    """Yield the samples of a shard that can be used, each with its image uint8 [H, W, 3]."""
    with shard.open("rb") as file:
        for sample in samples_of(shard):
            try:
                if isinstance(sample, BadImage):
                    raise sample
                file.seek(sample.offset)
                content = file.read(sample.size)
                image = decode(shard / sample.name, content, how, tally)
            except Deep as problem:
                bad[named(problem, shard)] = "has more than 8 bits a channel; save it with 8"
                continue
            except BadImage as problem:
                bad[named(problem, shard)] = problem.problem
                continue
            digest.update(blake2b(content, digest_size=16).digest() + sample.label.to_bytes(4, "little"))
            yield sample, image


def named(problem: BadImage, shard: Path) -> str:
    """Return the name of a bad image within its shard."""
    return str(problem.path.relative_to(shard))
