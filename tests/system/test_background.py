"""What is done in the background is done in its order, and its error is heard where somebody waits."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from skiprun.system.background import Background


def fail() -> None:
    raise OSError("no space")


def test_tasks_are_done_in_their_order_and_not_here() -> None:
    done: list[int] = []
    threads: set[int] = set()

    def task(number: int) -> None:
        done.append(number)
        threads.add(threading.get_ident())

    background = Background(most_waiting=2)
    for number in range(5):
        background.do(partial(task, number))
    background.wait()
    assert done == list(range(5))
    assert len(threads) == 1 and threading.get_ident() not in threads
    background.close()


def test_who_gives_a_task_goes_on_before_it_is_done() -> None:
    may_end, done, background = threading.Event(), threading.Event(), Background(most_waiting=1)

    def task() -> None:
        if may_end.wait(60):
            done.set()

    background.do(task)
    may_end.set()  # comes here only because `do` did not wait
    background.close()
    assert done.is_set()


def test_no_more_wait_than_may() -> None:
    """The third task waits until the first is done, which needs nobody else."""
    done: list[int] = []
    background = Background(most_waiting=2)
    for number in range(3):
        background.do(partial(done.append, number))
    assert done[:1] == [0]
    background.close()


def test_an_error_is_raised_once_and_what_comes_after_it_is_not_done() -> None:
    done: list[str] = []
    background = Background(most_waiting=3)
    background.do(fail)
    background.do(partial(done.append, "after"))
    background.settle()
    with pytest.raises(OSError, match="no space"):
        background.wait()
    background.wait()
    background.do(partial(done.append, "later"))
    background.close()
    assert not done


def test_an_error_is_raised_by_the_next_task() -> None:
    background = Background(most_waiting=1)
    background.do(fail)
    with pytest.raises(OSError, match="no space"):
        background.do(lambda: None)
    background.close()


def test_closed_twice_it_ends_its_thread_once() -> None:
    background = Background(most_waiting=1)
    background.do(fail)
    with pytest.raises(OSError, match="no space"):
        background.close()
    background.close()
    assert not [each for each in threading.enumerate() if each.name.startswith("background")]
