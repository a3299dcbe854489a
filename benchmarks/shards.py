"""A million images in tar shards against a hundred thousand: memory, the middle again, images a second."""

from __future__ import annotations

import io
import itertools
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.folders import CLASSES, train
from benchmarks.measure import Setting
from benchmarks.readers import BATCH, loaders_of, ours, rates
from skiprun.data import Loaders

PER_SHARD = 1000
DIFFERENT = 5  # shards, of which the others are copies

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return what is measured, by name."""
    return {"memory": partial(memory, setting), "images a second": partial(compared, setting)}


def sizes(setting: Setting) -> tuple[int, int]:
    """Return the two numbers of images that are compared."""
    return (1_000, 10_000) if setting.quick else (100_000, 1_000_000)


def memory(setting: Setting) -> list[Row]:
    """Return the largest resident memory and the seconds of a run, without and with an index, by images.

    Beside it stands whether batches in the middle are the same for who comes there and for who begins there.
    """
    rows = []
    for count in sizes(setting):
        with tempfile.TemporaryDirectory() as name:
            make_shards(Path(name) / "images", count)
            for state in ("to index", "indexed"):
                rows.append({"images": f"{count:,} {state}"} | train(Path(name), "webdataset"))
            rows[-1]["same_middle"] = same_middle(Path(name))
    return rows


def make_shards(root: Path, count: int) -> None:
    """Write so many images of 32x32 in shards, about 5 kB each, and one shard to test on."""
    root.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(count // PER_SHARD):
        shard = root / f"train-{number:06}.tar"
        if number < DIFFERENT:
            shard.write_bytes(shard_of(generator))
        else:
            shutil.copyfile(root / f"train-{number % DIFFERENT:06}.tar", shard)
    (root / "test-000000.tar").write_bytes(shard_of(generator))


def shard_of(generator: np.random.Generator) -> bytes:
    """Return a shard of noise in PNG files, with labels."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for number in range(PER_SHARD):
            image = io.BytesIO()
            Image.fromarray(generator.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(image, "png")
            for ending, content in (("png", image.getvalue()), ("cls", str(number % CLASSES).encode())):
                member = tarfile.TarInfo(f"{number:06}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def same_middle(place: Path) -> bool:
    """Tell whether the batches in the middle of an epoch do not depend on where reading began."""
    coming, beginning = (digests(loaders_of(place), before) for before in (20, 0))
    return coming[20:] == beginning


def digests(loaders: Loaders, before: int, count: int = 20) -> list[str]:
    """Return digests of the batches in the middle of an epoch, and of some before."""
    middle = len(loaders.train) // (2 * BATCH)
    batches = itertools.islice(ours(loaders, max(0, middle - before)), before + count)
    return [
        blake2b(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest() for images, labels in batches
    ]


def compared(setting: Setting) -> list[Row]:
    """Return images a second of this stream and of webdataset's own loader; see `rates`."""
    with tempfile.TemporaryDirectory() as name:
        make_shards(Path(name) / "images", 10_000 if setting.quick else 50_000)
        return rates(Path(name), setting)
