"""Thin logs and series to what a figure can show: evenly spaced, the first and the last kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from skiprun.system.documents import Row, read_rows

MAX_LINES = 4096  # of one kind; a log of 500 MB has a hundred times as many, and a figure a thousand pixels
T = TypeVar("T")


def thinned(lines: Iterable[bytes]) -> tuple[list[Row], list[Row]]:
    """Return the rows of a log at the ends of epochs, and those of steps, each as many as a figure shows."""
    ends, steps = Thinned(), Thinned()
    for line in lines:
        (ends if b'"epoch_end"' in line else steps).add(line)
    found: list[list[Row]] = [
        [row for _, row in read_rows(kept.lines) if row is not None] for kept in (ends, steps)
    ]
    return found[0], found[1]


class Thinned:
    """Lines of a stream: all if they are few, else evenly spaced ones, the first and the last among them."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.every, self.count, self.last = 1, 0, b""

    def add(self, line: bytes) -> None:
        """Take a line, or pass it over."""
        self.last = line
        if self.count % self.every == 0:
            self.kept.append(line)
        self.count += 1
        if len(self.kept) > MAX_LINES:
            self.kept, self.every = self.kept[::2], 2 * self.every

    @property
    def lines(self) -> list[bytes]:
        """The lines that were kept."""
        return self.kept if not self.count or self.kept[-1] is self.last else [*self.kept, self.last]


def spaced(items: Sequence[T], most: int) -> list[T]:
    """Return all items, or as many as are asked for (two or more), evenly spaced from first to last."""
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
