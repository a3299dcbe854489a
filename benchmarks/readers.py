"""How batches come from tar shards: by skiprun's stream, or by webdataset's own loader."""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import peers
from benchmarks.measure import Setting, Skipped
from skiprun.config import DataConfig
from skiprun.data import Loaders, load_data
from skiprun.system.machine import cores
from skiprun.training.sample_order import BatchSampler
from skiprun.training.trainer import STEPS_AHEAD

BATCH = 128


def loaders_of(place: Path) -> Loaders:
    """Return the images of a folder of shards."""
    config = DataConfig(name="webdataset", root=str(place / "images"), batch_size=BATCH, val_fraction=0.01)
    return load_data(config, torch.device("cpu"))


def ours(loaders: Loaders, first: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield uint8 batches from a step on, as the training loop asks for them."""
    sampler = BatchSampler(0, len(loaders.train), BATCH, torch.device("cpu"), loaders.shard_sizes)
    for step in itertools.count(first):
        loaders.prefetch(sampler.batch(step + STEPS_AHEAD))
        images, labels = loaders.fetch(sampler.batch(step))
        yield images, labels


def theirs(root: Path, workers: int) -> Iterator[Any]:
    """Yield uint8 batches of webdataset's own loader: shards and a buffer shuffled, decoded by Pillow."""
    import webdataset

    shards = sorted(str(shard) for shard in root.glob("train-*.tar"))
    samples = webdataset.WebDataset(shards, shardshuffle=len(shards), empty_check=False)
    batches = samples.shuffle(5000).decode("rgb8").to_tuple("png", "cls").batched(BATCH)
    while True:
        yield from webdataset.WebLoader(batches, batch_size=None, num_workers=workers)


def rates(place: Path, setting: Setting) -> list[dict[str, Any]]:
    """Return images a second of both loaders on place/images in turns: by the clock, and by CPU time.

    Raises:
        Skipped: webdataset is not there.
    """
    try:
        installed = peers.folder("webdataset")
    except peers.NotInstalled as error:
        raise Skipped(str(error)) from None
    sys.path += [str(installed)] if installed else []
    batches, rounds = (20, 1) if setting.quick else (200, 5)
    loaders, root, workers = loaders_of(place), place / "images", len(cores())
    arms = {
        "skiprun": (ours(loaders), time.perf_counter),
        f"webdataset, {workers} workers": (theirs(root, workers), time.perf_counter),
        "skiprun, CPU time": (ours(loaders), time.process_time),
        "webdataset, no workers, CPU time": (theirs(root, 0), time.process_time),
    }
    found: dict[str, list[float]] = {arm: [] for arm in arms}
    for _, (arm, (stream, clock)) in itertools.product(range(rounds + 1), arms.items()):
        found[arm].append(rate(partial(next, stream), batches, clock))
    # The first round fills buffers and starts workers.
    return [{"loader": arm, "images_per_s": statistics.median(values[1:])} for arm, values in found.items()]


def rate(take: Callable[[], object], batches: int, clock: Callable[[], float]) -> float:
    """Return how many images a second come in batches."""
    started = clock()
    for _ in range(batches):
        take()
    return batches * BATCH / (clock() - started)
