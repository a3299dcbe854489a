"""Tar shards of images with labels in WebDataset's layout (Aizman et al. 2019), read as a stream.

An index of the samples is built once and kept in the cache; the images stay in the shards, and are decoded
when a batch is made of them. So memory does not grow with the set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch

from skiprun.data.folders.conversion import Conversion
from skiprun.data.folders.decoding import leave_out
from skiprun.data.folders.remarks import tell_losses
from skiprun.data.labelled_files import LabelledFiles, conversion_of, load_labelled
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.shards.images import ShardImages
from skiprun.data.shards.index_cache import index_files, indexed
from skiprun.data.shards.kept_moments import KeptMoments
from skiprun.data.shards.listing import list_shards
from skiprun.data.shards.shard_index import ShardIndex
from skiprun.data.source import RawSplit
from skiprun.errors import BadImage, InputError, OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback


@DATASETS.register("webdataset", shape="3 x any", resizes=True, streams=True, paper="Aizman et al. 2019")
def webdataset(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Your own tar shards of images and labels: data.root is their folder, or train-{000..146}.tar."""
    return load_labelled(read_shards(config, progress), config, device)


def read_shards(config: DataRequest, progress: ProgressCallback) -> LabelledFiles:
    """Return the images and labels of shards; what else their indexes hold is free when this returns."""
    if config.root is None:
        raise OptionError(
            "root", "webdataset needs the shards, such as data.root=shards/train-{000..146}.tar"
        )
    how = conversion_of(config)
    splits = list_shards(config.root)
    shards = [shard for group in splits.values() for shard in group]
    indexes = dict(zip(shards, indexed(shards, how, progress, config.skip_bad), strict=True))
    bad = [BadImage(shard / name, why) for shard, index in indexes.items() for name, why in index.bad.items()]
    total = sum(map(len, indexes.values()))
    leave_out(bad, total + len(bad))
    tally: Counter[str] = Counter()
    for index in indexes.values():
        tally.update(index.tally)
    tell_losses(tally, how, total)
    digests = {split: [indexes[shard].digest for shard in group] for split, group in splits.items()}
    return LabelledFiles(
        place=config.root,
        class_names=class_names(list(indexes.values()), total),
        splits={
            split: raw_split(group, [indexes[shard] for shard in group], how)
            for split, group in splits.items()
        },
        content=blake2b(repr(digests).encode(), digest_size=16).hexdigest(),
        how=how,
        tally=tally,
        compared=False,
    )


def raw_split(shards: Sequence[Path], indexes: Sequence[ShardIndex], how: Conversion) -> RawSplit:
    """Return the images of shards as a split."""
    labels = np.concatenate([index.labels for index in indexes], dtype=np.int64)
    moments = KeptMoments(index_files(shards, how), [len(index) for index in indexes])
    return RawSplit(ShardImages(shards, indexes, how), labels, moments)


def class_names(indexes: Sequence[ShardIndex], total: int) -> list[str]:
    """Return the numbers of the classes as names: from 0 to the largest label.

    Raises:
        InputError: there would be more classes than images.
    """
    largest = max((int(index.labels.max()) for index in indexes if len(index)), default=0)
    if largest >= total:
        raise InputError(
            f"The largest label is {largest:,}, and there are {total:,} images; classes are numbered from 0."
        )
    return [str(number) for number in range(largest + 1)]
