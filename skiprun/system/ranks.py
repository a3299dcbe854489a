"""The contract of the processes that train one run together: torchrun's ranks, or one process alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class Ranks(Protocol):
    """Processes that make the steps of one run, each with its part of every batch.

    All call the same verbs in the same order; the number of this process is `rank`, of `count`, from 0.
    """

    rank: int
    count: int

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their sums over the ranks, in place."""

    def part(self, rows: Tensor) -> Tensor:
        """Return this rank's rows: those of all ranks, one behind the other, are the given ones."""

    def agree(self, number: int) -> int:
        """Return the largest of the ranks' numbers."""

    def once(self, function: Callable[[], T]) -> T:
        """Let rank 0 do something; what it returns or raises is everyone's."""

    def in_turn(self, items: list[T]) -> list[T]:
        """Return the items of all ranks, one of each in turn: those of numbers rank, rank + count, ..."""


class Alone:
    """One process that is everyone."""

    rank, count = 0, 1

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Leave them as they are."""

    def part(self, rows: Tensor) -> Tensor:
        """Return all."""
        return rows

    def agree(self, number: int) -> int:
        """Return it."""
        return number

    def once(self, function: Callable[[], T]) -> T:
        """Do it."""
        return function()

    def in_turn(self, items: list[T]) -> list[T]:
        """Return them."""
        return items


ALONE = Alone()


def rank_of_torchrun() -> int | None:
    """Return the rank that torchrun gave this process; None where it is alone."""
    launched = "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1
    return int(os.environ["RANK"]) if launched else None


def is_first_rank() -> bool:
    """Tell whether this process speaks for all that torchrun started."""
    return not rank_of_torchrun()
