"""Batches that threads read before they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property

from torch import Tensor

from skiprun.data.source import Array

# Batches at most; what is not asked for is forgotten.
MOST_AHEAD = 4

Batch = tuple[Tensor, Tensor]


class ReadAhead:
    """Reads batches, each in a thread if it is known before it is wanted; an error is raised where it is.

    Args:
        read: returns the batch of some rows.
    """

    def __init__(self, read: Callable[[Array], Batch]) -> None:
        self.read = read
        self.begun: dict[bytes, Future[Batch]] = {}

    def begin(self, rows: Array) -> None:
        """Begin to read the batch of some rows, int64 [B]."""
        self.begun[rows.tobytes()] = self.pool.submit(self.read, rows)
        while len(self.begun) > MOST_AHEAD:
            self.begun.pop(next(iter(self.begun))).cancel()

    def __call__(self, rows: Array) -> Batch:
        """Return the batch of some rows."""
        begun = self.begun.pop(rows.tobytes(), None)
        return begun.result() if begun else self.read(rows)

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads."""
        return ThreadPoolExecutor(MOST_AHEAD, "read")
