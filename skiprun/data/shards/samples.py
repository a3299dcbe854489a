"""The samples of a shard: files that follow each other and have one name up to the first dot.

    000017.jpg  000017.cls        an image, and the number of its class
    000018.png  000018.json       or {"label": 3} beside it

This is the layout of WebDataset. Files of other kinds are passed over. This module does not import torch.
"""

from __future__ import annotations

import contextlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from skiprun.data.folders.opening import SUFFIXES
from skiprun.errors import BadImage, InputError

BLOCK = tarfile.BLOCKSIZE
LABELS = ("cls", "json")
MAX_LABEL_BYTES = 1 << 20


@dataclass(frozen=True)
class ShardSample:
    """An image in a shard, and its class.

    Attributes:
        name: of the image's file.
        offset: of its first byte, a multiple of 512.
        size: in bytes.
    """

    name: str
    offset: int
    size: int
    label: int


def samples_of(shard: Path) -> Iterator[ShardSample | BadImage]:
    """Yield the samples of a shard in their order, or what is wrong with one.

    Raises:
        InputError: the shard is no tar file, is damaged, or was cut off.
    """
    try:
        with tarfile.open(shard, "r:") as tar:
            for key, members in groupby(files_of(tar), lambda member: split_name(member.name)[0]):
                yield read_sample(shard, key, [*members], tar)
            refuse_cut_off(shard, tar)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(
            f"{shard} is not a readable tar file ({error}). Fetch it again, or make it again; "
            "packed ones (.tar.gz) must be unpacked."
        ) from None


def files_of(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the ordinary files in a tar; those of WebDataset itself, __names__, are passed over."""
    while member := tar.next():
        tar.members = []  # type: ignore[attr-defined]  # or it would keep all of them
        if member.isreg() and not Path(member.name).name.startswith(("__", ".")):
            yield member


def refuse_cut_off(shard: Path, tar: tarfile.TarFile) -> None:
    """Refuse a tar without its end mark, at which Python's reader stops in silence."""
    with shard.open("rb") as file:
        file.seek(tar.offset)
        if file.read(BLOCK) != bytes(BLOCK):
            raise tarfile.ReadError("it ends without the end mark, so a part of it is missing")


def split_name(name: str) -> tuple[str, str]:
    """Return the key of a file, up to the first dot of its name, and the rest in small letters."""
    folder, slash, file = name.rpartition("/")
    key, _, ending = file.partition(".")
    return folder + slash + key, ending.lower()


def read_sample(
    shard: Path, key: str, members: list[tarfile.TarInfo], tar: tarfile.TarFile
) -> ShardSample | BadImage:
    """Return the sample of the files of one key, or what is wrong with it."""
    files = {split_name(member.name)[1]: member for member in members}
    if len(files) < len(members):
        return BadImage(shard / key, "is the name of more than one sample")
    images = [ending for ending in files if f".{ending}" in SUFFIXES]
    if len(images) != 1:
        found = (
            f"has {' and '.join(images)}" if images else f"has no image, only {', '.join(files) or 'nothing'}"
        )
        return BadImage(shard / key, f"{found}; a sample is one image and its label")
    image = files[images[0]]
    if not image.size:
        return BadImage(shard / image.name, "is empty")
    try:
        return ShardSample(image.name, image.offset_data, image.size, class_of(files, tar))
    except ValueError as problem:
        return BadImage(shard / key, str(problem))


def class_of(files: dict[str, tarfile.TarInfo], tar: tarfile.TarFile) -> int:
    """Return the class of a sample, from a .cls or else a .json beside its image.

    Raises:
        ValueError: there is none, or it is no number of a class.
    """
    given = next((ending for ending in LABELS if ending in files), None)
    if given is None:
        raise ValueError(
            f"has no label; beside the image must be a .cls or a .json, found {', '.join(files)}"
        )
    opened = tar.extractfile(files[given])
    text = opened.read(MAX_LABEL_BYTES).decode(errors="replace").strip() if opened else ""
    found: object = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
    if isinstance(found, dict):
        found = found.get("label", found.get("cls"))
    if type(found) is not int or not 0 <= found < 1 << 31:
        raise ValueError(f"has the label {text[:40]!r} in its .{given}; a class is a whole number from 0 on")
    return found
