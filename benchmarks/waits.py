"""How often the host waits for a GPU, and which function of skiprun lets it.

torch warns of each wait that it knows, in its debug mode for synchronizations; those that a program asks for
by name are counted where they are called.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import torch

import skiprun
from skiprun.system import torch_internals

PACKAGE = str(Path(skiprun.__file__).parent)
WORDS = "called a synchronizing CUDA operation"
BY_NAME = ((torch.cuda, "synchronize"), (torch.cuda.Stream, "synchronize"), (torch.cuda.Event, "synchronize"))


def count_waits(work: Callable[[], object]) -> Counter[str]:
    """Return how often the host waits within some work, by function of skiprun."""
    found: Counter[str] = Counter()
    with warned(found), asked_for(found):
        torch.cuda.set_sync_debug_mode("warn")
        try:
            work()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return found


@contextlib.contextmanager
def warned(found: Counter[str]) -> Iterator[None]:
    """Count the waits that torch warns of."""

    def note(message: Warning | str, *_: Any, **__: Any) -> None:
        if WORDS in str(message):
            found[place()] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield


@contextlib.contextmanager
def asked_for(found: Counter[str]) -> Iterator[None]:
    """Count the waits that are asked for by name, which torch does not warn of."""

    def counted(wait: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **kwargs: Any) -> Any:
            found[place()] += 1
            return wait(*args, **kwargs)

        return noted

    with contextlib.ExitStack() as stack:
        for owner, name in BY_NAME:
            stack.enter_context(mock.patch.object(owner, name, counted(getattr(owner, name))))
        yield


def place() -> str:
    """Return the function of skiprun that is at work, the innermost; `torch` if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) and file != torch_internals.__file__:  # a mode is on the way to torch
            return frame.f_code.co_qualname
        frame = frame.f_back
    return "torch"
