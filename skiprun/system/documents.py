"""JSON documents of runs and caches: a checksum of the content, and a check of the structure when read."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from skiprun.errors import StorageError
from skiprun.system.disk import storage_errors
from skiprun.system.files import json_safe, write_json
from skiprun.system.ordinary_files import NotOrdinary, open_to_read

FORMAT = 1  # of documents with a checksum; one without this key was written before there were any
SEAL = ("format", "checksum")
MAX_BYTES = 100_000_000
Row = Mapping[str, float | None]  # of metrics.jsonl, where null stands for a number that was not finite
Document = TypeVar("Document", bound=Mapping)


def write_sealed(path: Path, content: Mapping[str, object], indent: int | None = 2) -> None:
    """Replace a JSON file by a document that carries a checksum of its content, atomically and durably.

    A large one that only programs read is written without indent, ten times as fast.
    """
    sealed = {key: json_safe(value) for key, value in {"format": FORMAT, **content}.items()}
    write_json(path, sealed | {"checksum": checksum(sealed)}, indent)


def checksum(content: Mapping[str, object]) -> str:
    """Return BLAKE2b, 128 bits in hex, of the JSON text of a document with sorted keys and no spaces."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return blake2b(canonical.encode(), digest_size=16).hexdigest()


def read_document(path: Path, shape: type[Document], way_out: str) -> Document:
    """Return what a JSON file holds, without its checksum.

    Args:
        path: the file.
        shape: what it must hold; it may hold more.
        way_out: of one that is damaged.

    Raises:
        StorageError: it cannot be read, or it is damaged: not JSON, not what was written, of another shape.
    """
    try:
        content = _read_object(path)
        _refuse_changed(content)
        _checker(shape).validate_python(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StorageError(f"{path}: damaged, {place}: {first['msg'].lower()}; {way_out}.") from None
    except (ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, _Damage) else "not a JSON object"
        raise StorageError(f"{path}: damaged, {problem}; {way_out}.") from None
    return cast(Document, _without_seal(content))


@functools.cache
def _checker(shape: type) -> TypeAdapter:
    return TypeAdapter(shape)


def _without_seal(content: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in content.items() if key not in SEAL}


def read_cached(path: Path, _shape: type[Document]) -> Document | None:
    """Return what `write_sealed` wrote, of a file that can be made again; None if missing or damaged.

    Its checksum shows that it has the shape that it was written with.
    """
    try:
        content = _read_object(path)
        _refuse_changed(content)
    except (StorageError, ValueError, RecursionError):
        return None
    return cast(Document, _without_seal(content)) if "checksum" in content else None


class _Damage(ValueError):
    """What is wrong with a document."""


def _read_object(path: Path) -> dict[str, object]:
    """Return the object that an ordinary JSON file holds; a huge one takes all memory."""
    with storage_errors("read", path):
        try:
            with open_to_read(path) as file:
                text = file.read(MAX_BYTES + 1)
        except NotOrdinary as error:
            raise _Damage(error.strerror) from None
    if len(text) > MAX_BYTES:
        raise _Damage(f"larger than {MAX_BYTES} bytes")
    content = json.loads(text)
    if not isinstance(content, dict):
        raise _Damage("not a JSON object")
    return content


def _refuse_changed(content: Mapping[str, object]) -> None:
    """Raise unless a document is as it was written; one without format and checksum is older than both."""
    if "format" not in content and "checksum" not in content:
        return
    expected = content.get("checksum")
    if expected != checksum({key: value for key, value in content.items() if key != "checksum"}):
        raise _Damage("its checksum does not match")


def read_row(line: bytes) -> Row | None:
    """Return a line of metrics.jsonl: numbers by tag, with step and epoch; None if it is damaged."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not all(value is None or _is_number(value) for value in row.values()):
        return None
    return (
        row
        if all(_is_number(row.get(key)) and math.isfinite(row[key]) for key in ("step", "epoch"))
        else None
    )


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)


def read_rows(lines: Iterable[bytes]) -> Iterator[tuple[int, Row | None]]:
    """Yield number and row of each ended line of metrics.jsonl; None stands for a damaged row."""
    for number, line in enumerate(lines, 1):
        if line.endswith(b"\n"):
            yield number, read_row(line)
