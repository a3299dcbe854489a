"""What docstrings say of the arguments of a function or a class, for help and for tables of options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any


def argument_docs(thing: Callable[..., Any]) -> dict[str, str]:
    """Return what a docstring says of each argument; a class has what its bases say too.

    They stand below `Args:`, or where only those are said that a config may give, below `Options:`.
    """
    target = thing.func if isinstance(thing, partial) else thing
    said = reversed(target.__mro__) if inspect.isclass(target) else [target]
    return {name: text for each in said for name, text in _arguments(inspect.cleandoc(each.__doc__ or ""))}


def _arguments(docstring: str) -> list[tuple[str, str]]:
    """Return the names and texts of the section of a docstring that is about arguments."""
    section = re.search(r"^(?:Args|Options):\n((?: {4}.*\n?)*)", docstring, re.MULTILINE)
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
    return [(name, " ".join(text.split())) for name, text in found]
