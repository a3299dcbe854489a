"""The ranks of one start find each other, and nothing of an earlier start."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from torch.distributed import HashStore, PrefixStore, Store  # type: ignore[attr-defined]

from skiprun.errors import RankLost
from skiprun.training.start_store import start_store

LONG, SHORT = timedelta(seconds=60), timedelta(milliseconds=50)


def start(store: Store, ranks: int) -> list[Store]:
    """Return what each rank of a start has."""
    with ThreadPoolExecutor(ranks) as pool:
        return list(pool.map(lambda rank: start_store(store, rank, ranks, LONG), range(ranks)))


def test_ranks_of_a_start_share_what_no_earlier_start_has_written() -> None:
    store = HashStore()
    first = start(store, 3)
    first[0].set("address", "of a rank that is killed")
    assert first[2].get("address") == b"of a rank that is killed"
    second = start(store, 2)
    assert not any(each.check(["address"]) for each in second)
    second[1].set("address", "new")
    assert second[0].get("address") == b"new"


def test_the_question_of_a_killed_rank_is_no_answer_to_the_next() -> None:
    store = HashStore()
    PrefixStore("skiprun", store).set("asks/1", "of a killed rank")
    ours, theirs = start(store, 2)
    ours.set("here", "1")
    assert theirs.check(["here"])


@pytest.mark.parametrize(("rank", "why"), [(0, "rank 1 did not ask"), (1, "rank 0 did not answer")])
def test_a_rank_that_does_not_come_is_missed_in_time(rank: int, why: str) -> None:
    with pytest.raises(RankLost, match=f"One of the 2 processes of this run was lost .{why}"):
        start_store(HashStore(), rank, 2, SHORT)
