"""The process group of a run: sums over its ranks, what rank 0 does once, errors that end all ranks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import Store  # type: ignore[attr-defined]

from skiprun.errors import EndedElsewhere, RankLost, exit_code, in_a_line
from skiprun.system.ranks import Ranks

T = TypeVar("T")
LONGEST_PAUSE = 0.2  # seconds between two looks for what rank 0 does, which may take hours
OF_CONNECTIONS = ("gloo", "NCCL", "Connection", "TCPStore", "Socket")
MISSING = object()
DONE = "done"  # of what rank 0 does once; else an exit code


class ProcessGroup:
    """The ranks of torchrun."""

    def __init__(self, store: Store, rank: int, count: int) -> None:
        self.store, self.rank, self.count = store, rank, count
        self.done_once = 0
        self.failed = False

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their sums over the ranks, in place: one message for all of a type."""
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors:
            by_type.setdefault(tensor.dtype, []).append(tensor)
        for some in by_type.values():
            flat = torch.cat([each.reshape(-1) for each in some])
            dist.all_reduce(flat)
            sums = flat.split([each.numel() for each in some])
            torch._foreach_copy_(some, [total.view_as(each) for total, each in zip(sums, some, strict=True)])

    def part(self, rows: Tensor) -> Tensor:
        """Return this rank's rows; their number must be a multiple of that of the ranks."""
        return rows.chunk(self.count)[self.rank]

    def agree(self, number: int) -> int:
        """Return the largest of the ranks' numbers; the host waits for the others, not for a GPU."""
        largest = torch.tensor(number)
        dist.all_reduce(largest, dist.ReduceOp.MAX)
        return int(largest)

    def once(self, function: Callable[[], T]) -> T:
        """Let rank 0 do something; what it returns is everyone's.

        Raises:
            EndedElsewhere: it failed there, where the error is told.
        """
        self.done_once += 1
        key = f"once/{self.done_once}"
        if self.rank:
            return self._hear(key)
        try:
            result = function()
        except BaseException as error:
            self.store.set(key, str(exit_code(error)))
            raise
        self.store.set(key, DONE)
        dist.broadcast_object_list([result])
        return result

    def _hear(self, key: str) -> T:  # type: ignore[type-var]
        pause = 0.001
        while not self.store.check([key]):
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)
        if (outcome := self.store.get(key).decode()) != DONE:
            raise EndedElsewhere(int(outcome))
        heard: list[T] = [None]  # type: ignore[list-item]
        dist.broadcast_object_list(heard)
        return heard[0]

    def in_turn(self, items: list[T]) -> list[T]:
        """Return the items of all ranks, one of each in turn: tensors, or dicts of them, on the host."""
        of_all: list[list[T]] = [[] for _ in range(self.count)]
        dist.all_gather_object(of_all, [on_host(item) for item in items])
        turns = zip_longest(*of_all, fillvalue=MISSING)
        return [item for turn in turns for item in turn if item is not MISSING]  # type: ignore[misc]

    @contextlib.contextmanager
    def as_one(self) -> Iterator[None]:
        """Let an error of one rank be the end of all, told by the first that has one.

        Raises:
            RankLost: another one ended without a word, as by SIGKILL.
            EndedElsewhere: another one has told why.
        """
        try:
            yield
        except EndedElsewhere:
            self.failed = True
            raise
        except BaseException as error:
            self.failed = True
            if not self._is_first_to_tell():
                raise EndedElsewhere(exit_code(error)) from None
            said = explain_lost_rank(error, self)
            if said is error:
                raise
            raise said from None

    def leave(self) -> None:
        """End what connects the ranks, but after an error, when it might wait for one that is gone.

        A thread of gloo that outlives the interpreter ends the process with an error of its own (SIGABRT).
        """
        if not self.failed:
            dist.destroy_process_group()

    def _is_first_to_tell(self) -> bool:
        try:
            return bool(self.store.add("told", 1) == 1)
        except RuntimeError:  # the agent is gone, and with it whoever could have told
            return True


def on_host(item: object) -> object:
    """Return a tensor, or a dict of tensors, on the CPU: a GPU's number means another one elsewhere."""
    if isinstance(item, dict):
        return {key: on_host(value) for key, value in item.items()}
    return item.cpu() if isinstance(item, Tensor) else item


def explain_lost_rank(error: BaseException, ranks: Ranks) -> BaseException:
    """Return an error of the connection to another rank as RankLost, and any other as it is."""
    of_connection = isinstance(error, RuntimeError) and any(each in str(error) for each in OF_CONNECTIONS)
    if ranks.count == 1 or not of_connection:
        return error
    return RankLost(ranks.count, in_a_line(error))
