"""Tiny datasets in their official formats, with torchvision's published sums replaced by theirs."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from skiprun.data import Split
from skiprun.data.download.official import torchvision_datasets


@dataclass
class Published:
    """A tiny published dataset: what it holds, and where its official files lie."""

    folder: Path
    images: dict[str, np.ndarray] = field(default_factory=dict)
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def put_into(self, root: Path, place: str = "") -> Path:
        """Copy the official files to where a user would put them."""
        (root / place).mkdir(parents=True, exist_ok=True)
        for file in self.files:
            (root / place / file.name).write_bytes(file.read_bytes())
        return root


def sum_of(file: Path) -> str:
    return md5(file.read_bytes()).hexdigest()


def some_images(published: Published, classes: int, shape: Sequence[int], train: int, test: int) -> None:
    """Fill in random images [N, H, W, C], with every class in both portions."""
    generator = np.random.default_rng(3)
    for split, count in [("train", train), ("test", test)]:
        published.images[split] = generator.integers(0, 256, (count, *shape), dtype=np.uint8)
        published.labels[split] = generator.permutation(np.arange(count) % classes)


def publish_cifar(folder: Path, monkeypatch: pytest.MonkeyPatch, classes: int = 10) -> Published:
    """Publish a CIFAR-10 of 100 + 20 images, or a CIFAR-100 of 300 + 100."""
    published = Published(folder)
    kind = getattr(torchvision_datasets(), f"CIFAR{classes}")
    some_images(published, classes, (32, 32, 3), 100 if classes == 10 else 300, 20 if classes == 10 else 100)
    base = folder / kind.base_folder
    base.mkdir(parents=True)

    def write(name: str, content: dict) -> str:
        (base / name).write_bytes(pickle.dumps(content, protocol=2))
        return sum_of(base / name)

    key = "labels" if classes == 10 else "fine_labels"
    for split, listed in [("train", kind.train_list), ("test", kind.test_list)]:
        parts = zip(
            np.array_split(published.images[split], len(listed)),
            np.array_split(published.labels[split], len(listed)),
            listed,
            strict=True,
        )
        sums = [
            [
                name,
                write(
                    name, {"data": rows.transpose(0, 3, 1, 2).reshape(len(rows), -1), key: labels.tolist()}
                ),
            ]
            for rows, labels, (name, _) in parts
        ]
        monkeypatch.setattr(kind, f"{split}_list", sums)
    names = {kind.meta["key"]: [f"thing {number}" for number in range(classes)]}
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": write(kind.meta["filename"], names)})
    archive = folder / kind.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(base, kind.base_folder)
    monkeypatch.setattr(kind, "tgz_md5", sum_of(archive))
    monkeypatch.setattr(kind, "url", archive.as_uri())
    published.files = [archive]
    return published


def publish_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str = "MNIST") -> Published:
    """Publish an MNIST or FashionMNIST of 60 + 20 images."""
    published = Published(folder)
    kind = getattr(torchvision_datasets(), name)
    some_images(published, 10, (28, 28, 1), 60, 20)
    folder.mkdir(parents=True, exist_ok=True)
    resources = []
    for split, prefix in [("train", "train"), ("test", "t10k")]:
        images, labels = published.images[split], published.labels[split]
        header = struct.pack(">IIII", 2051, len(images), 28, 28)
        contents = {
            f"{prefix}-images-idx3-ubyte.gz": header + images.tobytes(),
            f"{prefix}-labels-idx1-ubyte.gz": struct.pack(">II", 2049, len(labels))
            + labels.astype(np.uint8).tobytes(),
        }
        for file, content in contents.items():
            (folder / file).write_bytes(gzip.compress(content))
            published.files.append(folder / file)
            resources.append((file, sum_of(folder / file)))
    monkeypatch.setattr(kind, "resources", resources)
    monkeypatch.setattr(kind, "mirrors", ["http://mirror.invalid/", folder.as_uri() + "/"])
    return published


def publish_svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """Publish an SVHN of 50 + 20 images; its files call the digit 0 ten."""
    from scipy.io import savemat

    published = Published(folder)
    kind = torchvision_datasets().SVHN
    some_images(published, 10, (32, 32, 3), 50, 20)
    folder.mkdir(parents=True, exist_ok=True)
    listed = {}
    for split in ("train", "test"):
        labels = np.where(published.labels[split] == 0, 10, published.labels[split]).astype(np.uint8)
        file = folder / f"{split}_32x32.mat"
        savemat(file, {"X": published.images[split].transpose(1, 2, 3, 0), "y": labels[:, None]})
        published.files.append(file)
        listed[split] = [file.as_uri(), file.name, sum_of(file)]
    monkeypatch.setattr(kind, "split_list", listed)
    return published


def image_folder(
    root: Path,
    classes: Sequence[str] = ("cat", "dog"),
    counts: Sequence[tuple[str, int]] = (("train", 10), ("test", 4)),
    size: tuple[int, int] = (8, 8),
    suffix: str = ".png",
) -> dict[str, np.ndarray]:
    """Write random lossless images, so many a class and split; return them by path below root."""
    generator = np.random.default_rng(5)
    written = {}
    for split, count in counts:
        for name in classes:
            (root / split / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                path = f"{split}/{name}/{number:03}{suffix}"
                Image.fromarray(pixels).save(root / path, lossless=True)  # which WebP alone heeds
                written[path] = pixels
    return written


def stored(split: Split) -> tuple[np.ndarray, list[int]]:
    """Return all images of a split, uint8 [N, H, W, C], and their labels."""
    images, labels = split.take(torch.arange(len(split)))
    return images.permute(0, 2, 3, 1).numpy(), labels.tolist()


def black_png(side: int) -> bytes:
    """Return a PNG of side x side black pixels of one bit: tiny on the disk, as large as wished in memory."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + side // 8 + 1)) for _ in range(100)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def write_shard(shard: Path, files: Mapping[str, bytes]) -> Path:
    """Write a tar file of the layout of WebDataset, without its library."""
    shard.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(shard, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return shard


def shards_of_folder(root: Path, shards: Path, per_shard: int = 8, labels: str = "cls") -> None:
    """Write the images of a folder as shards in their order, so many a shard, with .cls or .json."""
    for split in sorted(place for place in root.iterdir() if place.is_dir()):
        names = sorted(place.name for place in split.iterdir())
        files = sorted(split.rglob("*.*"))
        for number, start in enumerate(range(0, len(files), per_shard)):
            content = {}
            for at, file in enumerate(files[start : start + per_shard], start):
                label = str(names.index(file.parent.name))
                content[f"{at:06}{file.suffix}"] = file.read_bytes()
                said = label if labels == "cls" else f'{{"label": {label}}}'
                content[f"{at:06}.{labels}"] = said.encode()
            write_shard(shards / f"{split.name}-{number:06}.tar", content)


def image_shards(root: Path, **options: Any) -> Path:
    """Write the images of `image_folder` as shards of 8; return their folder."""
    image_folder(root / "folder", **options)
    shards_of_folder(root / "folder", root / "shards")
    return root / "shards"
