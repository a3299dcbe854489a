"""Lessons for a class: notebooks whose exercises are answered by numbers.

A notebook asks, `check` measures what was answered and says what was found, what was expected, and why.
Importing this package does not import torch, so that a list of the lessons starts at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiprun.lessons.checking import Checked, check, check_answer
    from skiprun.lessons.pictures import show

__all__ = ["Checked", "check", "check_answer", "show"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'skiprun.lessons' has no attribute '{name}'")
    home = "skiprun.lessons.pictures" if name == "show" else "skiprun.lessons.checking"
    return getattr(importlib.import_module(home), name)
