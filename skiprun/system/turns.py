"""Threads that take turns: one runs at a time, until it gives its turn to the next one or ends.

Several runs share one process this way, each written as if it were alone: what all of them use, such as
torch's global generators, belongs to the one whose turn it is.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Turns(Generic[Result]):
    """Functions that are called in threads of their own, in turns.

    Attributes:
        present: numbers of those that have not ended, in the order of their turns.
    """

    def __init__(self, functions: Sequence[Callable[[], Result]], names: Sequence[str]) -> None:
        self.present = list(range(len(functions)))
        self._turn = threading.Condition()
        self._whose: int | None = 0
        self._results: dict[int, Result | BaseException] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(number, function), name=name, daemon=True)
            for number, (function, name) in enumerate(zip(functions, names, strict=True))
        ]

    def run(self) -> list[Result | BaseException]:
        """Call all functions to their ends; return what each returned or raised."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()
        results, self._results = self._results, {}
        return [results[number] for number in range(len(self._threads))]

    def give(self) -> None:
        """Let the others run, each until it gives its turn; return when it is the caller's again."""
        number = self._whose
        with self._turn:
            self._pass(number)
            self._turn.wait_for(lambda: self._whose == number)

    def _run(self, number: int, function: Callable[[], Result]) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._whose == number)
        try:
            self._results[number] = function()
        except BaseException as error:  # the others go on; `run` hands it to the caller
            self._results[number] = error
            forget_locals(error)
        with self._turn:
            self._pass(number)
            self.present.remove(number)

    def _pass(self, number: int | None) -> None:
        """Make it the next one's turn; the last one that is left passes to itself."""
        place = self.present.index(number) if number is not None else 0
        self._whose = self.present[(place + 1) % len(self.present)]
        self._turn.notify_all()


def forget_locals(error: BaseException | None) -> None:
    """Let what an error has passed through keep nothing, such as a network on a GPU, while the others run."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
