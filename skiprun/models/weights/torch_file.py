"""Read files of torch.save as plain data: no code is run, and memory is bounded by the file's size.

torch reads tensors, numbers and texts alone (`weights_only=True`). Beside them other programs keep their
arguments, or numbers of numpy, for which the file names a class or a function to call; an object that does
nothing takes its place.
"""

from __future__ import annotations

import os
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from skiprun.system.torch_internals import fake_tensors, names_in_pickle

# A file of torch.save is not compressed; shared tensors may be counted twice.
MAX_EXPANSION = 4
MAX_CLASSES = 200
LEGACY_PICKLES = 4  # a magic number, the protocol, the system, and then the content


class Oversized(ValueError):
    """A file claims to hold more than its length allows."""


class Inert:
    """Stands for an object whose class is not loaded, or for what a function that is not called returns."""

    def __init__(self, *arguments: object, **options: object) -> None:
        """Take anything."""

    def __setstate__(self, state: object) -> None:
        """Forget what it held."""


class InertDict:
    """Stands for a class of dicts, such as defaultdict: an ordered one takes what is put in."""

    def __new__(cls, *_: object, **__: object) -> OrderedDict[object, object]:  # type: ignore[misc]
        """Return an ordered dict, whatever the class was called with."""
        return OrderedDict()


def load_plain(stream: BinaryIO, device: torch.device | str = "cpu") -> Any:
    """Return the content of a file of torch.save.

    Raises:
        Oversized: it claims more than `MAX_EXPANSION` times its length; little of that was allocated.
        Exception: any that torch or pickle has for a file that is damaged, of another kind, or hostile.
    """
    length = stream.seek(0, os.SEEK_END)
    zipped = zipfile.is_zipfile(stream)
    classes = _classes_in_zip(stream, length) if zipped else _classes_in_legacy(stream)
    if len(classes) > MAX_CLASSES:
        raise Oversized(f"names {len(classes)} classes")
    with safe_globals([(_stand_in(name), name) for name in classes]):
        # Of such a file torch makes room for what it claims, before it looks whether that is there.
        if not zipped:
            with fake_tensors():
                refuse_oversized(_torch_load(stream, "cpu"), length)
        content = _torch_load(stream, device)
    refuse_oversized(content, length)
    return content


def _torch_load(stream: BinaryIO, device: torch.device | str) -> object:
    stream.seek(0)
    return torch.load(stream, map_location=device, weights_only=True)


def _classes_in_zip(stream: BinaryIO, length: int) -> set[str]:
    """Return the names of what would have to be called; refuse an archive that expands beyond measure."""
    claimed = sum(member.file_size for member in zipfile.ZipFile(stream).infolist())
    _refuse(claimed, length)
    stream.seek(0)
    return set(get_unsafe_globals_in_checkpoint(stream))


def _classes_in_legacy(stream: BinaryIO) -> set[str]:
    """Return the names of what would have to be called in a file as torch wrote them before 1.6."""
    stream.seek(0)
    return set().union(*(names_in_pickle(stream) for _ in range(LEGACY_PICKLES)))


def _stand_in(name: str) -> type:
    return InertDict if name.lower().endswith("dict") else Inert


def refuse_oversized(content: object, length: int) -> None:
    """Refuse tensors that are larger than their file: views of a few numbers whose strides repeat them."""
    _refuse(sum(tensor.numel() * tensor.element_size() for tensor in _tensors(content)), length)


def _refuse(claimed: int, length: int) -> None:
    if claimed > MAX_EXPANSION * length:
        raise Oversized(f"claims {claimed:,} bytes, and is {length:,} long")


def _tensors(content: object) -> Iterator[Tensor]:
    """Yield each tensor of nested dicts and lists once."""
    seen, waiting = set[int](), [content]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Tensor):
            yield each
        elif isinstance(each, Mapping):
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
