"""Threads that take turns: the order, results, errors, and that one runs at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from skiprun.system.turns import Turns


def in_turns(*lengths: int) -> tuple[list[tuple[int, int]], list[object]]:
    """Let threads note their steps, each so many of them; return the notes and what they returned."""
    noted: list[tuple[int, int]] = []

    def worker(number: int) -> Callable[[], int]:
        def work() -> int:
            for step in range(lengths[number]):
                noted.append((step, number))
                turns.give()
            return number

        return work

    turns = Turns([worker(number) for number in range(len(lengths))], [str(n) for n in range(len(lengths))])
    return noted, list(turns.run())


def test_each_makes_a_step_before_one_makes_the_next() -> None:
    noted, results = in_turns(3, 3, 3)
    assert noted == sorted(noted) and len(noted) == 9 and results == [0, 1, 2]


@pytest.mark.parametrize("lengths", [(1, 4), (4, 1), (0, 3, 1), (3, 0), (2,), (0,)])
def test_those_that_end_leave_the_others_their_turns(lengths: tuple[int, ...]) -> None:
    noted, results = in_turns(*lengths)
    assert noted == sorted(noted) and len(noted) == sum(lengths)
    assert results == list(range(len(lengths)))


def test_an_error_of_one_is_returned_and_the_others_go_on() -> None:
    def fail() -> int:
        turns.give()
        raise KeyboardInterrupt("mine")

    def work() -> int:
        for _ in range(3):
            turns.give()
        return 7

    turns = Turns([fail, work], ["fails", "works"])
    error, result = turns.run()
    assert isinstance(error, KeyboardInterrupt) and str(error) == "mine" and result == 7


def test_one_runs_at_a_time_under_its_name() -> None:
    running: list[str] = []

    def work() -> str:
        for _ in range(20):
            running.append(threading.current_thread().name)
            assert len(running) == 1
            running.pop()
            turns.give()
        return threading.current_thread().name

    turns = Turns([work] * 4, ["a", "b", "c", "d"])
    assert turns.run() == ["a", "b", "c", "d"]
