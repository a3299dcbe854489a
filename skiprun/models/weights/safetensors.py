"""Read safetensors files: a JSON header with the dtype, shape and offsets of each tensor, then the data.

The format is that page (https://huggingface.co/docs/safetensors), and reading it these lines, so no package
is needed.
As the format demands, the tensors fill the file without gap or overlap: nothing is larger than the file.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
LENGTH = 8  # bytes that say how long the header is
METADATA = "__metadata__"  # of the file as a whole


def is_safetensors(file: Path) -> bool:
    """Tell whether a file begins as safetensors do: with the length of a JSON object, and its brace."""
    with file.open("rb") as stream:
        start = stream.read(LENGTH + 1)
    return start[LENGTH:] == b"{" and _header_length(start) <= file.stat().st_size


def _header_length(content: bytes) -> int:
    return int.from_bytes(content[:LENGTH], "little")


def read_safetensors(file: Path) -> dict[str, Any]:
    """Return the tensors of a file by name as `state_dict`, and `metadata` where skiprun wrote it.

    Raises:
        ValueError, KeyError, TypeError: the header is damaged, or names what is not in the file.
    """
    with file.open("rb") as stream:
        header: dict[str, Any] = json.loads(stream.read(_header_length(stream.read(LENGTH))))
        body, position = bytearray(file.stat().st_size - stream.tell()), 0
        stream.readinto(body)
    metadata = header.pop(METADATA, {})
    tensors: dict[str, Tensor] = {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        dtype, count = DTYPES[entry["dtype"]], math.prod(entry["shape"])
        if begin != position or end - begin != count * dtype.itemsize or end > len(body):
            raise ValueError(f"{name}: bytes {begin} to {end} are not {count} numbers behind those before")
        flat = (
            torch.frombuffer(body, dtype=dtype, count=count, offset=begin)
            if count
            else torch.empty(0, dtype=dtype)
        )
        tensors[name], position = flat.reshape(entry["shape"]), end
    if position != len(body):
        raise ValueError(f"{len(body) - position} bytes belong to no tensor")
    return {"state_dict": tensors} | ({"metadata": metadata} if "skiprun" in metadata else {})
