"""A part of torchrun's store that the ranks of one start share, and no earlier start has written to.

torchrun keeps its store when it starts ranks again, with the addresses of those that were killed, and its
number of starts, `TORCHELASTIC_RESTART_COUNT`, is counted by each machine for itself (torch 2.13). So rank 0
gives each start a name, and tells it to who asks by a name of its own.
"""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import uuid4

from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]

from skiprun.errors import RankLost


def start_store(store: Store, rank: int, count: int, patience: timedelta) -> Store:
    """Return the part of a store that is this start's, once all ranks have it.

    Raises:
        RankLost: one of them did not come in time.
    """
    store = PrefixStore("skiprun", store)
    name = _ask(store, rank, count, patience) if rank else _answer(store, count, patience)
    return PrefixStore(name, store)


def _ask(store: Store, rank: int, count: int, patience: timedelta) -> str:
    own = uuid4().hex
    store.set(f"asks/{rank}", own)
    try:
        store.wait([f"told/{own}"], patience)
    except RuntimeError:
        raise RankLost(count, "rank 0 did not answer") from None
    name = store.get(f"told/{own}").decode()
    store.set(f"{name}/heard/{rank}", "")
    return name


def _answer(store: Store, count: int, patience: timedelta) -> str:
    name, until = uuid4().hex, time.monotonic() + patience.total_seconds()
    while silent := [rank for rank in range(1, count) if not store.check([f"{name}/heard/{rank}"])]:
        for rank in silent:  # of a rank that was killed the question may still be there, until another asks
            if store.check([f"asks/{rank}"]):
                store.set(f"told/{store.get(f'asks/{rank}').decode()}", name)
        if time.monotonic() > until:
            raise RankLost(count, f"rank {silent[0]} did not ask")
        time.sleep(0.01)
    return name
