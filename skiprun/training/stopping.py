"""Signal handling: handlers only set a flag, and the loop answers at the next step boundary.

SIGINT (Ctrl-C), SIGTERM (a scheduler) and SIGHUP (the terminal is gone) ask to save and stop; SIGUSR1, which
SLURM sends before its time is over, asks to save and go on. A second Ctrl-C quits at once: what is on the
disk is whole.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

from skiprun.system.ranks import rank_of_torchrun

# Windows has neither SIGHUP nor SIGUSR1.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
SAVE_SIGNAL: int | None = getattr(signal, "SIGUSR1", None)
Handler = Callable[[int, FrameType | None], object] | int | None
SECONDS_BETWEEN_SAVES = 300.0
SAVE = 1  # what a process asks for; more is to stop
_NOTICE = b"\nStopping after this step; Ctrl-C again quits at once.\n"


class StopFlag:
    """While entered, records signals instead of obeying them.

    Attributes:
        signal_number: the signal that asks to stop, None if there is none.
        saves: how often a signal asked to save and go on.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self.saves = 0
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> StopFlag:
        if threading.current_thread() is threading.main_thread():
            for number in filter(None, (*STOP_SIGNALS, SAVE_SIGNAL)):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # A rank that fails shall say why before torchrun, which ends it for that, has done so.
            speaks = error is not None and number == signal.SIGTERM and rank_of_torchrun() is not None
            signal.signal(number, signal.SIG_IGN if speaks else handler)

    def listener(self) -> Callable[[], int | None]:
        """Return what tells a run of the signal that asks to stop, or once of one that asks to save."""
        heard = self.saves

        def asked() -> int | None:
            nonlocal heard
            if self.signal_number is not None:
                return self.signal_number
            new, heard = self.saves > heard, self.saves
            return SAVE_SIGNAL if new else None

        return asked

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == SAVE_SIGNAL:
            self.saves += 1
            return
        if self.signal_number is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal_number = number
        if number == signal.SIGINT and multiprocessing.parent_process() is None and not rank_of_torchrun():
            os.write(2, _NOTICE)  # print might be what the signal interrupted


class Wishes:
    """What a process asks for between two steps: to save, or to stop."""

    def __init__(self, stop_signal: Callable[[], int | None]) -> None:
        self.stop_signal, self.saved_at = stop_signal, time.monotonic()

    def now(self) -> int:
        """Return what is asked for: nothing, 0; to SAVE and go on; to stop by signal n, SAVE + n."""
        signal_number = self.stop_signal()
        if signal_number and signal_number != SAVE_SIGNAL:
            return SAVE + signal_number
        return SAVE if signal_number or time.monotonic() - self.saved_at > SECONDS_BETWEEN_SAVES else 0

    def saved(self) -> None:
        """Note that all is saved now."""
        self.saved_at = time.monotonic()
