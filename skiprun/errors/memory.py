"""Errors for want of memory, which torch, its libraries and the system raise in several types."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from skiprun.errors.kinds import OutOfMemory

NO_MEMORY = (
    "DefaultCPUAllocator",
    "out of memory",
    "bad_alloc",
    "ALLOC_FAILED",
    "Storage size calculation overflowed",
    "Cannot allocate memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that there was no memory left; torch is not imported for that."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


@contextlib.contextmanager
def explain_out_of_memory(part: str, way_out: str) -> Iterator[None]:
    """Turn an out-of-memory error into an OutOfMemory that says in which part, and what helps there."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        found = re.search(r"Tried to allocate .*? is free", str(error))
        numbers = f" ({found[0]})" if found else ""  # of a GPU
        raise OutOfMemory(f"Out of memory {part}{numbers}. {way_out}") from error
